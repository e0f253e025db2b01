import type { FastifyRequest } from "fastify";
import { isRepeated, parameter } from "./query.ts";

/** Where a parameter of `GET /vast` stands in the bid request, and how it is read. */
interface Rule {
  readonly path: readonly string[];
  readonly read: (text: string) => unknown;
  /** A signal that protects the listener: repeated, it is not dropped like others but makes the request malformed. */
  readonly protects?: true;
}

const text = (value: string): unknown => value;
/** What is no number stays text, so that the check of the bid request names it. */
const number = (value: string): unknown => (/^-?\d{1,15}(\.\d{1,6})?$/.test(value) ? Number(value) : value);
const texts = (value: string): unknown => value.split(",").filter((part) => part !== "");
const numbers = (value: string): unknown => (texts(value) as string[]).map(number);

/** `300x250,728x90`; what is no size stays text, so that the check names it. */
const sizes = (value: string): unknown =>
  (texts(value) as string[]).map((size) => {
    const [, w, h] = /^(\d{1,5})x(\d{1,5})$/.exec(size) ?? [];
    return w === undefined ? size : { w: Number(w), h: Number(h) };
  });

/**
 * The parameters of a VAST tag (docs/http.md), each a field of a bid request: one check and one gate for both ways in. Players
 * without a value send it empty, which counts as absent.
 */
const RULES: Readonly<Record<string, Rule>> = {
  test: { path: ["test"], read: number },
  tmax: { path: ["tmax"], read: number },
  bcat: { path: ["bcat"], read: texts },
  badv: { path: ["badv"], read: texts },
  sid: { path: ["ext", "sid"], read: text },
  uid: { path: ["user", "id"], read: text },
  gdpr_consent: { path: ["user", "consent"], read: text, protects: true },
  gdpr: { path: ["regs", "gdpr"], read: number, protects: true },
  coppa: { path: ["regs", "coppa"], read: number, protects: true },
  us_privacy: { path: ["regs", "us_privacy"], read: text, protects: true },
  gpp: { path: ["regs", "gpp"], read: text, protects: true },
  gpp_sid: { path: ["regs", "gpp_sid"], read: numbers, protects: true },
  gpc: { path: ["regs", "ext", "gpc"], read: text, protects: true },
  ifa: { path: ["device", "ifa"], read: text },
  lmt: { path: ["device", "lmt"], read: number, protects: true },
  dnt: { path: ["device", "dnt"], read: number, protects: true },
  devicetype: { path: ["device", "devicetype"], read: number },
  lang: { path: ["device", "language"], read: text },
  country: { path: ["device", "geo", "country"], read: text },
  region: { path: ["device", "geo", "region"], read: text },
  utcoffset: { path: ["device", "geo", "utcoffset"], read: number },
  mimes: { path: ["audio", "mimes"], read: texts },
  minduration: { path: ["audio", "minduration"], read: number },
  maxduration: { path: ["audio", "maxduration"], read: number },
  rqddurs: { path: ["audio", "rqddurs"], read: numbers },
  startdelay: { path: ["audio", "startdelay"], read: number },
  poddur: { path: ["audio", "poddur"], read: number },
  maxseq: { path: ["audio", "maxseq"], read: number },
  podid: { path: ["audio", "podid"], read: text },
  podseq: { path: ["audio", "podseq"], read: number },
  slotinpod: { path: ["audio", "slotinpod"], read: number },
  mincpmpersec: { path: ["audio", "mincpmpersec"], read: number },
  feed: { path: ["audio", "feed"], read: number },
  minbitrate: { path: ["audio", "minbitrate"], read: number },
  maxbitrate: { path: ["audio", "maxbitrate"], read: number },
  companionad: { path: ["audio", "companionad"], read: sizes },
  battr: { path: ["audio", "battr"], read: numbers },
  secure: { path: ["imp", "secure"], read: number },
  exp: { path: ["imp", "exp"], read: number },
  genre: { path: ["content", "genre"], read: text },
  domain: { path: ["place", "domain"], read: text },
  bundle: { path: ["place", "bundle"], read: text },
};

/** Where one value belongs, the check of the bid request refuses a list, and in a list of numbers a text: it names the field. */
const REPEATED = "repeated";

/** What every player plays. */
const MIMES = ["audio/mpeg", "audio/mp4", "audio/aac", "audio/ogg"];

/** The bid request that a VAST tag stands for, as JSON and not yet checked. @param id names it where the tag has no `id`. */
export function bidRequestOfQuery(request: FastifyRequest, id: string): unknown {
  const read: Record<string, unknown> = {};
  for (const [name, rule] of Object.entries(RULES)) {
    if (rule.protects && isRepeated(request, name)) put(read, rule.path, [REPEATED]);
    const value = parameter(request, name);
    if (value !== undefined && value !== "") put(read, rule.path, rule.read(value));
  }
  const { audio, imp, content, place, device, ...rest } = read as Record<string, object | undefined>;
  const given = parameter(request, "id");
  const ua = request.headers["user-agent"];
  return {
    ...rest,
    id: given === undefined || given === "" ? id : given,
    imp: [{ id: "1", ...imp, audio: { mimes: MIMES, ...audio } }],
    [parameter(request, "bundle") ? "app" : "site"]: { ...place, ...(content === undefined ? {} : { content }) },
    device: { ...(ua === undefined ? {} : { ua }), ...device },
  };
}

function put(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let at = target;
  for (const step of path.slice(0, -1)) at = (at[step] ??= {}) as Record<string, unknown>;
  const last = path.at(-1);
  if (last !== undefined) at[last] = value;
}
