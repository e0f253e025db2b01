import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { createSealer } from "../../runtime/host/sealer.ts";

const plain = new TextEncoder().encode("what a listener heard");

test("a sealed part opens under its own name and key only", () => {
  const key = randomBytes(32);
  const sealer = createSealer(key);
  const sealed = sealer.seal(plain, "listener/abc/core");
  expect(Buffer.from(sealer.open(sealed, "listener/abc/core"))).toEqual(Buffer.from(plain));
  expect(Buffer.from(sealed).includes(Buffer.from("listener"))).toBe(false);
  expect(() => sealer.open(sealed, "listener/other/core")).toThrow(expect.objectContaining({ code: "STATE_CORRUPT" }));
  expect(() => createSealer(randomBytes(32)).open(sealed, "listener/abc/core")).toThrow(
    expect.objectContaining({ code: "STATE_CORRUPT" }),
  );
});

test("any flipped bit of a sealed part is noticed", () => {
  const sealer = createSealer(randomBytes(32));
  const sealed = sealer.seal(plain, "name");
  for (let bit = 0; bit < sealed.byteLength * 8; bit++) {
    const altered = Uint8Array.from(sealed);
    altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(() => sealer.open(altered, "name"), `bit ${bit}`).toThrow(
      expect.objectContaining({ code: "STATE_CORRUPT" }),
    );
  }
});

test("nonces are never handed out twice", () => {
  const sealer = createSealer(randomBytes(32));
  const nonces = new Set(
    Array.from({ length: 3_000 }, () => Buffer.from(sealer.seal(plain, "name").subarray(1, 13)).toString("hex")),
  );
  expect(nonces.size).toBe(3_000);
});
