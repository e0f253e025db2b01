import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ByteSearch } from "../support/byte-search.ts";

const TEXT = "Taint/User+5f3a";
const search = new ByteSearch({ id: TEXT });

test.each([
  ["as written", TEXT],
  ["in capitals", TEXT.toUpperCase()],
  ["percent-encoded", encodeURIComponent(TEXT)],
  ["as UTF-16", Buffer.from(TEXT, "utf16le")],
  ["as hex", Buffer.from(TEXT).toString("hex")],
  ["as hex in capitals", Buffer.from(TEXT).toString("hex").toUpperCase()],
  ["as base64url", Buffer.from(TEXT).toString("base64url")],
  ["as its MD5", createHash("md5").update(TEXT).digest()],
  ["as its SHA-1 in hex", createHash("sha1").update(TEXT.toLowerCase()).digest("hex")],
  ["as its SHA-256 in base64", createHash("sha256").update(TEXT).digest("base64")],
])("a text is found %s", (_how, written) => {
  const bytes = Buffer.concat([Buffer.from("before "), Buffer.from(written), Buffer.from(" behind")]);
  expect(search.in(bytes)).not.toEqual([]);
  expect(search.in(bytes.subarray(0, -8 - 1))).toEqual([]);
});

test("a text is found inside the base64 of anything around it", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40 }), (before, behind) => {
      const base64 = Buffer.concat([before, Buffer.from(TEXT), behind]).toString("base64");
      expect(search.inText(base64)).toContain("id as base64");
    }),
  );
});

test("what is not there is not found", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => void expect(search.in(Buffer.from(bytes))).toEqual([])),
  );
  expect(search.inText("Taint/User+5f3b")).toEqual([]);
});

test("files are looked into, and their names", async () => {
  const folder = await mkdtemp(join(tmpdir(), "chorus-search-"));
  try {
    await mkdir(join(folder, "in"));
    await writeFile(join(folder, "in", "a"), `x${TEXT}`);
    await writeFile(join(folder, "taint%2Fuser%2B5f3a"), "");
    await writeFile(join(folder, "other"), "nothing");
    expect(search.inFolder(folder).sort()).toEqual(["id as URL in taint%2Fuser%2B5f3a", "id as text in in/a"]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a text that chance would find is refused", () => {
  expect(() => new ByteSearch({ id: "1YNN" })).toThrow("is too short to look for");
});
