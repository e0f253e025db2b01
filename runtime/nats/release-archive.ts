import { createHash, timingSafeEqual } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { SERVER_VERSION } from "./server-version.ts";

const DOWNLOAD_TIMEOUT_MS = 120_000;
const ARCHIVE_MAX_BYTES = 64 * 2 ** 20;
const UNPACKED_MAX_BYTES = 256 * 2 ** 20;
const BLOCK_BYTES = 512;
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

/** Where official release archives are, and what they must hash to. */
export interface ReleaseSource {
  /** The folder that holds `v2.15.2/nats-server-v2.15.2-linux-amd64.tar.gz`. */
  readonly baseUrl: string;
  /** SHA-256 in hex by platform, `linux-amd64`. A platform that is not listed is not downloaded. */
  readonly sha256: Readonly<Record<string, string>>;
}

/** Downloads the release archive of this platform, checks its hash, and unpacks the server. Throws with a plain sentence. */
export async function downloadRelease(source: ReleaseSource, scratch: string): Promise<string> {
  const platform = `${process.platform}-${ARCHITECTURES[process.arch] ?? process.arch}`;
  const expected = source.sha256[platform];
  if (expected === undefined) throw new Error(`no hash is pinned for ${platform}`);
  const folder = `nats-server-v${SERVER_VERSION}-${platform}`;
  const archive = await download(`${source.baseUrl}/v${SERVER_VERSION}/${folder}.tar.gz`);
  const actual = createHash("sha256").update(archive).digest();
  const pinned = Buffer.from(expected, "hex");
  if (pinned.byteLength !== actual.byteLength || !timingSafeEqual(pinned, actual)) {
    throw new Error(`the archive hashes to ${actual.toString("hex")}, not to the pinned ${expected}`);
  }
  const unpacked = gunzipSync(archive, { maxOutputLength: UNPACKED_MAX_BYTES });
  const binary = join(scratch, "nats-server");
  await writeFile(binary, fileInTar(unpacked, `${folder}/nats-server`), { mode: 0o755 });
  return binary;
}

async function download(url: string): Promise<Buffer> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS) });
  if (!answer.ok || answer.body === null) throw new Error(`${url} answers ${answer.status}`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body as ReadableStream<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > ARCHIVE_MAX_BYTES) throw new Error(`${url} is larger than ${ARCHIVE_MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Finds one regular file in a tar archive (POSIX ustar: a header block, then the content padded to blocks). */
function fileInTar(tar: Buffer, name: string): Buffer {
  for (let offset = 0; offset + BLOCK_BYTES <= tar.byteLength;) {
    const header = tar.subarray(offset, offset + BLOCK_BYTES);
    const size = Number.parseInt(textField(header, 124, 12), 8) || 0;
    const content = offset + BLOCK_BYTES;
    if (textField(header, 0, 100) === name) {
      if (content + size > tar.byteLength) throw new Error(`${name} is cut short in the archive`);
      return tar.subarray(content, content + size);
    }
    offset = content + Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
  }
  throw new Error(`the archive holds no ${name}`);
}

function textField(header: Buffer, start: number, length: number): string {
  const field = header.subarray(start, start + length);
  const end = field.indexOf(0);
  return field
    .subarray(0, end === -1 ? length : end)
    .toString("latin1")
    .trim();
}
