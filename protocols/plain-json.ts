/** What JSON cannot say of decoded msgpack, made so that it can: byte strings as base64, non-finite numbers and bigints as text. */
export function plainJson(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (value === null || typeof value !== "object") return value;
  if (value instanceof Uint8Array)
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64");
  if (Array.isArray(value)) return value.map(plainJson);
  const plain: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    // An own `__proto__` is data here, not a prototype.
    Object.defineProperty(plain, key, {
      value: plainJson(inner),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return plain;
}
