import type { AdSetEntry, CatalogIndex, CompiledIndex, CreativeEntry, DealEntry, Entries } from "./catalog-index.ts";
import { decode, encode } from "./codec.ts";

/**
 * The compiled catalog in one piece of memory that all shards share (D17): bytes of the head (u32), the head (version, counts, targeting, deals, currencies)
 * as msgpack, the end of each entry (u32), the entries as msgpack, ad sets before creatives. An entry is decoded when it is first
 * looked at: to decode all of ten thousand campaigns at each change held every decision of a shard up for 60 ms, to open this takes one.
 */
export function packIndex(index: CompiledIndex): SharedArrayBuffer {
  const { version, targeting, deals, currencies, adSets, creatives } = index;
  const counts = { adSets: adSets.length, creatives: creatives.length };
  const head = encode({ version, targeting, deals, currencies, ...counts } satisfies Head);
  const entries = [...adSets, ...creatives].map((entry) => encode(entry));
  const entriesAt = U32 + head.byteLength + U32 * entries.length;
  const bytes = new Uint8Array(
    new SharedArrayBuffer(entries.reduce((sum, { byteLength }) => sum + byteLength, entriesAt)),
  );
  const view = new DataView(bytes.buffer);
  view.setUint32(0, head.byteLength);
  bytes.set(head, U32);
  let end = entriesAt;
  entries.forEach((entry, position) => {
    bytes.set(entry, end);
    end += entry.byteLength;
    view.setUint32(U32 + head.byteLength + U32 * position, end);
  });
  return bytes.buffer;
}

/** What `packIndex` made, as agents read it. */
export function openIndex(packed: SharedArrayBuffer): CatalogIndex {
  const view = new DataView(packed);
  const headBytes = view.getUint32(0);
  const { version, targeting, deals, currencies, adSets, creatives } = decode(
    copyOf(packed, U32, U32 + headBytes),
  ) as Head;
  const endsAt = U32 + headBytes;
  const entriesAt = endsAt + U32 * (adSets + creatives);
  const entry = (position: number): unknown => {
    const start = position === 0 ? entriesAt : view.getUint32(endsAt + U32 * (position - 1));
    return decode(copyOf(packed, start, view.getUint32(endsAt + U32 * position)));
  };
  return {
    version,
    targeting,
    deals,
    currencies,
    adSets: new LazyEntries(adSets, (ordinal) => entry(ordinal) as AdSetEntry),
    creatives: new LazyEntries(creatives, (ordinal) => entry(adSets + ordinal) as CreativeEntry),
  };
}

interface Head {
  readonly version: number;
  readonly targeting: CatalogIndex["targeting"];
  readonly deals: readonly DealEntry[];
  readonly currencies: readonly string[];
  /** How many there are. */
  readonly adSets: number;
  readonly creatives: number;
}

const U32 = 4;

/** Texts cannot be decoded from shared memory (the Encoding Standard forbids it). */
const copyOf = (shared: SharedArrayBuffer, start: number, end: number): Uint8Array =>
  new Uint8Array(shared, start, end - start).slice();

class LazyEntries<T> implements Entries<T> {
  readonly length: number;
  readonly #entry: (ordinal: number) => T;
  readonly #seen: (T | undefined)[];

  constructor(length: number, entry: (ordinal: number) => T) {
    this.length = length;
    this.#entry = entry;
    this.#seen = new Array<T | undefined>(length).fill(undefined);
  }

  at(ordinal: number): T | undefined {
    if (!Number.isInteger(ordinal) || ordinal < 0 || ordinal >= this.length) return undefined;
    return (this.#seen[ordinal] ??= this.#entry(ordinal));
  }
}
