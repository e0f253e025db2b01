import { setImmediate as yieldTurn } from "node:timers/promises";
import { type CheckpointFrame, FrameReader } from "../../protocols/checkpoint.ts";
import { Fault } from "../../protocols/errors.ts";
import { asPartition, type Partition } from "../../protocols/ids.ts";
import { CheckpointCheck, checkpointFrames, type CheckpointSummary, type RecordReader } from "../core/checkpoint.ts";
import type { CheckpointBucket, StoredCheckpoint } from "../nats/checkpoint-bucket.ts";

export interface CheckpointerOptions {
  readonly bucket: CheckpointBucket;
  readonly reader: RecordReader;
  readonly partitions: number;
  /** A partition's last message in the log: its sequence in the stream and the commit it reaches. */
  readonly logTail: (partition: Partition) => Promise<{ readonly sequence: number; readonly last: number }>;
  /** Moves the tails of all logs, so that an idle partition's does not keep the stream from being purged (ADR 0008). */
  readonly markLogs: () => void;
  /** Between two rounds, milliseconds; 0 = only when an operator asks. */
  readonly everyMs: number;
  /** Verified checkpoints of each partition that are kept. */
  readonly keep: number;
  readonly onEvent: (event: string, details: Record<string, unknown>) => void;
}

const LOG_WAIT_MS = 10_000;
const LOG_LOOK_MS = 50;
/** Frames between two breaths: a checkpoint is in no hurry, the daemon's thread answers operators meanwhile. */
const FRAMES_A_BREATH = 4;

/**
 * Writes checkpoints of every partition in the background (D6): one round after the other, never two at once. K3: one counts only once the
 * log holds the commit at which reading it ended, and once it was read back and checked; until then its forerunner stays.
 */
export class Checkpointer {
  readonly #options: CheckpointerOptions;
  readonly #timer: NodeJS.Timeout | null;
  #round: Promise<readonly StoredCheckpoint[]> | null = null;
  #stopping = false;

  constructor(options: CheckpointerOptions) {
    this.#options = options;
    const { everyMs } = options;
    this.#timer = everyMs === 0 ? null : setInterval(() => void this.#scheduled(), everyMs);
  }

  /** Waits for a round that runs. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#round?.catch(() => undefined);
  }

  list(): Promise<StoredCheckpoint[]> {
    return this.#options.bucket.list();
  }

  /**
   * Makes a checkpoint of every partition that changed since its last one. Joins a round that runs already.
   * @returns the new ones. @throws Fault NATS_UNAVAILABLE, RECORD_CORRUPT.
   */
  create(): Promise<readonly StoredCheckpoint[]> {
    this.#round ??= this.#createAll().finally(() => {
      this.#round = null;
    });
    return this.#round;
  }

  /** Reads a checkpoint from end to end. @returns null when there is none of that name. @throws Fault RECORD_CORRUPT naming it. */
  async verify(name: string): Promise<CheckpointSummary | null> {
    const stored = (await this.list()).find((each) => each.name === name);
    if (stored === undefined) return null;
    const check = new CheckpointCheck(asPartition(stored.partition), `checkpoint ${name}`);
    for await (const frame of framesOf(this.#options.bucket, name)) check.take(frame);
    const { row: _, ...summary } = check.summary();
    return summary;
  }

  /**
   * Sequence of the log stream before which no partition needs anything to be restored, nor has its tail there; 0 when one needs all. A
   * checkpoint says where the tail was when reading began: once a newer one has gone past that commit, what lies before is covered.
   */
  async logFloor(): Promise<number> {
    const stored = await this.list();
    let least = Number.POSITIVE_INFINITY;
    for (let number = 0; number < this.#options.partitions; number++) {
      const own = stored.filter(({ partition }) => partition === number);
      const covered = own.at(-1)?.needsLogAfter ?? 0;
      const tail = await this.#options.logTail(asPartition(number));
      const known = [{ last: tail.last, sequence: tail.sequence }];
      for (const { tailLast, tailSequence } of own) known.push({ last: tailLast, sequence: tailSequence });
      const passed = known.filter(({ last }) => last <= covered).map(({ sequence }) => sequence);
      least = Math.min(least, Math.max(0, ...passed));
    }
    return least;
  }

  async #scheduled(): Promise<void> {
    if (this.#round !== null) return;
    try {
      await this.create();
    } catch (error) {
      this.#options.onEvent("failed", { message: error instanceof Error ? error.message : String(error) });
    }
  }

  async #createAll(): Promise<readonly StoredCheckpoint[]> {
    const before = await this.list();
    const made: string[] = [];
    for (let number = 0; number < this.#options.partitions && !this.#stopping; number++) {
      const own = before.filter(({ partition }) => partition === number);
      const name = await this.#createOne(asPartition(number), own.at(-1));
      if (name === null) continue;
      made.push(name);
      await this.#prune(own);
    }
    this.#options.markLogs();
    return (await this.list()).filter(({ name }) => made.includes(name));
  }

  /** @returns its name; null when nothing changed since the last one, or nothing was ever written. */
  async #createOne(partition: Partition, last: StoredCheckpoint | undefined): Promise<string | null> {
    const { bucket, reader, logTail, onEvent } = this.#options;
    const tail = await logTail(partition);
    if (tail.last === 0 || (last !== undefined && tail.last <= last.needsLogAfter)) return null;
    const at = new Date().toISOString();
    const name = `p${partition}/${at}`;
    const check = new CheckpointCheck(partition, `checkpoint ${name}`);
    const frames = breathing(checkpointFrames(reader, partition));
    await bucket.put(name, checked(frames, check), () => {
      const { row: _, ...summary } = check.summary();
      return { ...summary, at, tailSequence: tail.sequence, tailLast: tail.last };
    });
    const { commitSeq } = check.summary();
    await this.#logReaches(partition, commitSeq);
    await this.verify(name);
    onEvent("created", { name, partition, commitSeq });
    return name;
  }

  /** Until then the entries may tell of commits that a lost disk takes along. */
  async #logReaches(partition: Partition, commitSeq: number): Promise<void> {
    const untilMs = performance.now() + LOG_WAIT_MS;
    for (;;) {
      if ((await this.#options.logTail(partition)).last >= commitSeq) return;
      if (performance.now() > untilMs)
        throw new Fault("NATS_UNAVAILABLE", `the log of partition ${partition} does not reach commit ${commitSeq}`);
      await new Promise((resolve) => setTimeout(resolve, LOG_LOOK_MS));
    }
  }

  /** Drops what is older than the newest of those kept, the one just made among them. */
  async #prune(older: readonly StoredCheckpoint[]): Promise<void> {
    const kept = Math.max(0, this.#options.keep - 1);
    for (const { name } of older.slice(0, older.length - kept)) await this.#options.bucket.delete(name);
  }
}

/** The frames of a stored checkpoint. @throws Fault RECORD_CORRUPT, NATS_UNAVAILABLE. */
export async function* framesOf(bucket: CheckpointBucket, name: string): AsyncGenerator<CheckpointFrame> {
  const reader = new FrameReader(`checkpoint ${name}`);
  const chunks = await bucket.read(name);
  if (chunks === null)
    throw new Fault("RECORD_CORRUPT", `checkpoint ${name} is not there`, { details: { what: name } });
  for await (const chunk of chunks) yield* reader.take(chunk);
  reader.end();
}

async function* breathing(frames: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let count = 0;
  for (const frame of frames) {
    yield frame;
    if (++count % FRAMES_A_BREATH === 0) await yieldTurn();
  }
}

/** Counts along what is written, so that the description says what was stored. */
async function* checked(frames: AsyncIterable<Uint8Array>, check: CheckpointCheck): AsyncGenerator<Uint8Array> {
  const reader = new FrameReader("checkpoint");
  for await (const bytes of frames) {
    for (const frame of reader.take(bytes)) check.take(frame);
    yield bytes;
  }
}
