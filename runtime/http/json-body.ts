export type ReadJson = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly rule: string };

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACE = 0x7d;
const CLOSE_BRACKET = 0x5d;

/**
 * Reads a body as JSON, of bounded depth: a megabyte of brackets takes JSON.parse 84 ms, and whoever walks the result may
 * overflow the stack (facts/faults.md 2d).
 */
export function readJson(body: unknown, depthMax: number): ReadJson {
  if (!Buffer.isBuffer(body) || body.length === 0) return { ok: false, rule: "must be JSON" };
  if (isDeeperThan(body, depthMax)) return { ok: false, rule: `must nest at most ${depthMax} deep` };
  try {
    return { ok: true, value: JSON.parse(body.toString("utf8")) as unknown };
  } catch (error) {
    if (error instanceof SyntaxError) return { ok: false, rule: "must be JSON" };
    throw error;
  }
}

function isDeeperThan(bytes: Uint8Array, depthMax: number): boolean {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index];
    if (inString) {
      if (byte === BACKSLASH) index += 1;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth += 1;
      if (depth > depthMax) return true;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth -= 1;
  }
  return false;
}
