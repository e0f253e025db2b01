import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

/** One way to write a text. */
interface Form {
  readonly of: string;
  readonly as: string;
  readonly bytes: Buffer;
}

/** Shorter than this, chance alone finds a form in some megabytes of ciphertext. */
const BYTES_MIN = 8;

/**
 * Looks for texts in bytes of any kind, in one pass: as written (any case), percent-encoded, as UTF-16, hex, base64 at each of its three
 * alignments, and by the digests that anybody can make, since an unkeyed hash of an id is that id to whoever has a list of ids.
 */
export class ByteSearch {
  /** Compared with the bytes as they are. */
  private readonly exact: Needles;
  /** Compared with the bytes in lower case. */
  private readonly folded: Needles;

  /** @param texts by the name that a find is told by. @throws Error for a text too short to be told from chance. */
  constructor(texts: Readonly<Record<string, string>>) {
    const forms = Object.entries(texts).flatMap(([name, text]) => formsOf(name, text));
    this.exact = new Needles(forms.filter(({ as }) => as.includes("base64") || as.endsWith("bytes")));
    this.folded = new Needles(forms.filter(({ as }) => !as.includes("base64") && !as.endsWith("bytes")));
  }

  /** What was found, as "user.id as hex". */
  in(bytes: Buffer): string[] {
    const found = [...this.exact.in(bytes), ...this.folded.in(lowered(bytes))];
    return [...new Set(found)].sort();
  }

  inText(text: string): string[] {
    return this.in(Buffer.from(text));
  }

  /** In the names and contents of all files of a folder, as "user.id as hex in store/state.mdb". */
  inFolder(folder: string): string[] {
    return filesOf(folder).flatMap((file) => {
      const path = relative(folder, file);
      const found = [...this.in(readFileSync(file)), ...this.inText(path)];
      return found.map((find) => `${find} in ${path}`);
    });
  }
}

/** Texts by their first three bytes, so that nearly every place is passed over with one look. */
class Needles {
  private readonly begins = new Uint8Array(1 << 24);
  private readonly byBegin = new Map<number, Form[]>();

  constructor(forms: readonly Form[]) {
    for (const form of forms) {
      if (form.bytes.length < BYTES_MIN) throw new Error(`${form.of} as ${form.as} is too short to look for`);
      const begin = form.bytes.readUIntBE(0, 3);
      this.begins[begin] = 1;
      this.byBegin.set(begin, [...(this.byBegin.get(begin) ?? []), form]);
    }
  }

  in(bytes: Buffer): string[] {
    const found: string[] = [];
    let window = ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0);
    for (let end = 2; end < bytes.length; end += 1) {
      window = ((window << 8) | (bytes[end] ?? 0)) & 0xffffff;
      if (this.begins[window] === 0) continue;
      for (const form of this.byBegin.get(window) ?? []) {
        if (form.bytes.equals(bytes.subarray(end - 2, end - 2 + form.bytes.length)))
          found.push(`${form.of} as ${form.as}`);
      }
    }
    return found;
  }
}

function formsOf(of: string, text: string): Form[] {
  const forms: Form[] = [];
  const add = (as: string, bytes: Buffer): void => void forms.push({ of, as, bytes });
  const lower = text.toLowerCase();
  add("text", Buffer.from(lower));
  add("UTF-16", Buffer.from(lower, "utf16le"));
  const encoded = encodeURIComponent(text).toLowerCase();
  if (encoded !== lower) add("URL", Buffer.from(encoded));
  for (const spelling of new Set([text, lower, text.toUpperCase()])) {
    const bytes = Buffer.from(spelling);
    add("hex", Buffer.from(bytes.toString("hex")));
    for (let shift = 0; shift < 3; shift += 1) {
      const [first, end] = [Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6)];
      const shifted = Buffer.concat([Buffer.alloc(shift), bytes]);
      for (const alphabet of ["base64", "base64url"] as const)
        add(alphabet, Buffer.from(shifted.toString(alphabet).slice(first, end)));
    }
    for (const algorithm of ["md5", "sha1", "sha256"]) {
      const digest = createHash(algorithm).update(bytes).digest();
      add(`${algorithm}, bytes`, digest);
      add(`${algorithm}, hex`, Buffer.from(digest.toString("hex")));
      for (const alphabet of ["base64", "base64url"] as const)
        add(`${algorithm}, ${alphabet}`, Buffer.from(digest.toString(alphabet).replace(/=+$/, "")));
    }
  }
  return forms;
}

function lowered(bytes: Buffer): Buffer {
  const result = Buffer.from(bytes);
  for (let index = 0; index < result.length; index += 1) {
    const byte = result[index] ?? 0;
    if (byte >= 0x41 && byte <= 0x5a) result[index] = byte | 0x20;
  }
  return result;
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
