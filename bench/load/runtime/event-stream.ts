import { encodeMail, type Envelope } from "../../../protocols/envelope.ts";
import { asPartition, partitionOf } from "../../../protocols/ids.ts";
import { randomStream } from "../../../runtime/core/random-stream.ts";
import { KINDS, OUTPUT_EVERY } from "./bench-actors.ts";

/** Which keys the events of W1 fall on. */
export interface EventMix {
  readonly keys: number;
  /** zipf: exponent 1.1. */
  readonly skew: "zipf" | "uniform";
  readonly seed: number;
}

export interface MailBatch {
  readonly partition: number;
  readonly events: number;
  readonly bytes: Uint8Array;
}

/** Envelopes a message carries; D3 packs so. */
const ENVELOPES_A_MESSAGE = 500;
/** What an envelope of W1 weighs, encoded. */
const EVENT_BYTES = 124;
const ZIPF_EXPONENT = 1.1;
const SENDER = "bench";

/** Makes W1's events as mail of one producer, packed by partition, in order. The same mix gives the same events. */
export class EventStream {
  readonly #partitions: number;
  readonly #draw: () => number;
  readonly #key: () => number;
  readonly #open: Envelope[][];
  readonly #next: number[];
  readonly #counts: Uint32Array;

  constructor(mix: EventMix, partitions: number) {
    this.#partitions = partitions;
    this.#draw = randomStream(mix.seed);
    this.#key = mix.skew === "uniform" ? () => Math.floor(this.#draw() * mix.keys) : zipf(mix.keys, this.#draw);
    this.#open = Array.from({ length: partitions }, () => []);
    this.#next = Array.from({ length: partitions }, () => 1);
    this.#counts = new Uint32Array(mix.keys);
  }

  /** Full messages of so many more events; what does not fill one waits for the next call, or `rest`. */
  *take(events: number): Generator<MailBatch> {
    for (let event = 0; event < events; event++) {
      const number = this.#key();
      this.#counts[number] = (this.#counts[number] ?? 0) + 1;
      const key = `k${number}`;
      const partition = partitionOf(key, this.#partitions);
      const open = this.#open[partition];
      if (open === undefined) continue;
      open.push(eventOf(key, event));
      if (open.length === ENVELOPES_A_MESSAGE) yield this.#close(partition);
    }
  }

  *rest(): Generator<MailBatch> {
    for (const [partition, open] of this.#open.entries()) if (open.length > 0) yield this.#close(partition);
  }

  /** Outputs that all events so far cause. */
  get outputs(): number {
    return this.#counts.reduce((sum, count) => sum + Math.floor(count / OUTPUT_EVERY), 0);
  }

  #close(partition: number): MailBatch {
    const envelopes = this.#open[partition] ?? [];
    const first = this.#next[partition] ?? 1;
    this.#open[partition] = [];
    this.#next[partition] = first + envelopes.length;
    const run = { sender: SENDER, receiver: asPartition(partition), first, envelopes };
    return { partition, events: envelopes.length, bytes: encodeMail({ runs: [run] }) };
  }
}

function eventOf(key: string, value: number): Envelope {
  const frame = `${KINDS.counter}${key}Add`.length + 34;
  return {
    kind: KINDS.counter,
    key,
    type: "Add",
    payload: {
      value: value % 1_000,
      atMs: 1_700_000_000_000 + value,
      note: "x".repeat(Math.max(0, EVENT_BYTES - frame)),
    },
  };
}

/** Draws by binary search in the cumulated weights. */
function zipf(keys: number, draw: () => number): () => number {
  const cumulated = new Float64Array(keys);
  let sum = 0;
  for (let rank = 0; rank < keys; rank++) cumulated[rank] = sum += 1 / (rank + 1) ** ZIPF_EXPONENT;
  return () => {
    const wanted = draw() * sum;
    let low = 0;
    let high = keys - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((cumulated[middle] ?? 0) < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}
