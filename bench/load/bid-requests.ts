import { readFile } from "node:fs/promises";

/** What varies between listeners; the rest of a request is that of `config/examples/bid-request.json`. */
const COUNTRIES = ["USA", "CAN", "MEX", "BRA", "AUS"] as const;
const GENRES = ["Rock", "Pop", "Jazz", "Classical", "News", "Hip-Hop", "Country"] as const;
const DEVICE_TYPES = [1, 4, 5] as const;
const LANGUAGES = ["en", "es", "pt"] as const;

interface Template {
  readonly imp: readonly { readonly audio: object }[];
  readonly app: { readonly content: object };
  readonly device: { readonly geo: object };
}

/** The bid request that listeners' requests are made from. */
export async function bidTemplate(): Promise<unknown> {
  return JSON.parse(await readFile(new URL("../../config/examples/bid-request.json", import.meta.url), "utf8"));
}

/** The bid request of a listener, of 0 to any: the same number, the same request. */
export function bidRequest(template: unknown, listener: number): unknown {
  const { imp, app, device, ...rest } = template as Template;
  return {
    ...rest,
    id: `bench-${listener}`,
    imp,
    app: { ...app, content: { ...app.content, genre: pick(GENRES, listener) } },
    device: {
      ...device,
      geo: { ...device.geo, country: pick(COUNTRIES, Math.floor(listener / GENRES.length)) },
      devicetype: pick(DEVICE_TYPES, Math.floor(listener / 5)),
      language: pick(LANGUAGES, Math.floor(listener / 11)),
    },
    user: { id: `bench-listener-${listener}` },
    ext: { sid: `bench-session-${listener}` },
  };
}

/** The request on the wire. */
export function bidBytes(template: unknown, host: string, listener: number): Buffer {
  const body = Buffer.from(JSON.stringify(bidRequest(template, listener)));
  const head =
    `POST /openrtb2/2.6/bid HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\n` +
    `x-openrtb-version: 2.6\r\ncontent-length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, "latin1"), body]);
}

/** A beacon on the wire. @param path as the VAST has it, without the origin. */
export function beaconBytes(host: string, path: string): Buffer {
  return Buffer.from(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\nuser-agent: bench\r\n\r\n`, "latin1");
}

const IMPRESSION = /<Impression><!\[CDATA\[https?:\/\/[^/\]]+([^\]]+)\]\]>/;
const START = /<Tracking event=\\"start\\"><!\[CDATA\[https?:\/\/[^/\]]+([^\]]+)\]\]>/;

/** Paths of the impression and start beacons in a bid response's VAST, read from its JSON text. */
export function beaconPaths(body: string): string[] {
  return [IMPRESSION, START].flatMap((pattern) => pattern.exec(body)?.[1] ?? []);
}

function pick<T>(values: readonly T[], at: number): T {
  return values[at % values.length] as T;
}
