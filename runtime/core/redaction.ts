/*
 * What operators may see of a payload. Raw ids end in the gateway (D18), so what is personal here are pseudonyms, addresses and tokens:
 * known by their field's name, and by their looks where a field is new.
 */

const PERSONAL =
  /^(key|ip|ip6|ua|user|userid|uid|useragent|listener|listenerkey|session|sessionid|sid|ifa|eids|buyeruid|email|token|consent|tcf|gpp|orderid|lat|lon|geo|zip|postcode)$/;
/** Names of decisions and documents: an operator looks them up, and they say nothing about a person by themselves. */
const PUBLIC = /^(decisionid|campaignid|adsetid|creativeid|advertiserid|dealid|type|kind|event|day|currency|version)$/;
/** Unbroken text of this length is an id, a token or a hash. */
const OPAQUE = /^[A-Za-z0-9+/_=.-]{20,}$/;
const ADDRESS = /^(\d{1,3}(\.\d{1,3}){3}|[0-9a-f:]*:[0-9a-f:]*:[0-9a-f:]*|[^\s@]+@[^\s@]+)$/i;

const DEPTH_MAX = 6;
const ENTRIES_MAX = 32;
const TEXT_MAX = 128;

/** A copy of a payload without what may be personal, bounded in depth, entries and text. */
export function redacted(value: unknown): unknown {
  return shown(value, "", 0);
}

function shown(value: unknown, name: string, depth: number): unknown {
  if (value === null || value === undefined || typeof value === "number" || typeof value === "boolean") return value;
  if (typeof value === "string") return text(value, name);
  if (value instanceof Uint8Array) return `[${value.byteLength} bytes]`;
  if (typeof value !== "object") return `[${typeof value}]`;
  if (depth >= DEPTH_MAX) return "[…]";
  if (Array.isArray(value)) {
    const entries = value.slice(0, ENTRIES_MAX).map((entry) => shown(entry, name, depth + 1));
    return value.length > ENTRIES_MAX ? [...entries, `[${value.length - ENTRIES_MAX} more]`] : entries;
  }
  const all = Object.entries(value);
  const entries = all.slice(0, ENTRIES_MAX).map(([key, entry]): [string, unknown] => {
    const plain = key.toLowerCase().replaceAll(/[_-]/g, "");
    return [key, PERSONAL.test(plain) && entry !== null ? "[redacted]" : shown(entry, plain, depth + 1)];
  });
  if (all.length > ENTRIES_MAX) entries.push(["…", `[${all.length - ENTRIES_MAX} more]`]);
  return Object.fromEntries(entries);
}

function text(value: string, name: string): string {
  if (PUBLIC.test(name)) return value.slice(0, TEXT_MAX);
  if (OPAQUE.test(value) || ADDRESS.test(value)) return "[redacted]";
  return value.length > TEXT_MAX ? `${value.slice(0, TEXT_MAX)}…` : value;
}
