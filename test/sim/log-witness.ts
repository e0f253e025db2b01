import { decodeMail, INGRESS } from "../../protocols/envelope.ts";
import { decodeRecord, type CommitRecord } from "../../protocols/commit-record.ts";
import { partitionOf, type Partition } from "../../protocols/ids.ts";
import { decode } from "../../protocols/codec.ts";
import { decodeStatePart } from "../../protocols/state-part.ts";
import type { FencedSubject } from "../../runtime/core/shard-messages.ts";
import type { Call } from "./history.ts";
import { subjectName, type BrokerWitness, type FencedMessage, type Mail } from "../support/memory-broker.ts";

export class Violation extends Error {}

/** What one partition's log says, as a replay from nothing sees it. */
interface Replay {
  readonly records: CommitRecord[];
  readonly states: Map<string, Uint8Array>;
  readonly timers: Set<string>;
  readonly sent: Map<Partition, number>;
  /** The last that is stored of what it told each partition. */
  readonly stored: Map<Partition, number>;
  epoch: number;
  /** commitSeq up to which rows of the decision log and dead letters were published. */
  readonly rows: { decisions: number; "dead-letters": number };
}

/**
 * Watches everything become durable at the broker and checks at once: records are gapless, epochs never fall, no output leaves that the
 * log does not hold, rows leave once and in order of commit, topics only grow.
 */
export class LogWitness implements BrokerWitness {
  readonly #replays = new Map<Partition, Replay>();
  readonly #topics = new Map<string, number>();
  readonly ingress = new Map<string, number>();

  replay(partition: Partition): Replay {
    let replay = this.#replays.get(partition);
    if (replay === undefined) {
      const rows = { decisions: 0, "dead-letters": 0 };
      replay = {
        records: [],
        states: new Map(),
        timers: new Set(),
        sent: new Map(),
        stored: new Map(),
        epoch: 0,
        rows,
      };
      this.#replays.set(partition, replay);
    }
    return replay;
  }

  get partitions(): readonly Partition[] {
    return [...this.#replays.keys()];
  }
  get topics(): ReadonlyMap<string, number> {
    return this.#topics;
  }

  fencedStored(subject: FencedSubject, message: FencedMessage): void {
    if (subject.of === "log") return this.#logStored(subject.partition, message);
    if (subject.of === "topic") return this.#topicStored(subject.partition, subject.topic, message);
    this.#rowsStored(subject.partition, subject.of, message);
  }

  mailStored(_receiver: Partition, mail: Mail): void {
    for (const run of decodeMail(mail.bytes).runs) {
      if (run.sender === INGRESS) {
        for (const { payload } of run.envelopes) {
          const { op } = payload as { op: string };
          this.ingress.set(op, (this.ingress.get(op) ?? 0) + 1);
        }
        continue;
      }
      const sender = run.sender as Partition;
      const logged = this.replay(sender).sent.get(run.receiver) ?? 0;
      const last = run.first + run.envelopes.length - 1;
      if (last > logged)
        throw new Violation(`partition ${sender} told ${run.receiver} its ${last}th, its log holds ${logged}`);
      const { stored } = this.replay(sender);
      const before = stored.get(run.receiver) ?? 0;
      if (run.first > before + 1)
        throw new Violation(`partition ${sender} told ${run.receiver} its ${run.first}th after its ${before}th`);
      stored.set(run.receiver, Math.max(before, last));
    }
  }

  /** An answer under `durability: replicated`: the log already holds all that it shows (D2). */
  answered({ operation: { kind, key, op }, answer }: Call, partitions: number): void {
    if (kind !== "counter") return;
    const bytes = this.replay(partitionOf(key, partitions)).states.get([kind, key, ""].join("\0"));
    const logged = bytes === undefined ? [] : (decode(decodeStatePart(bytes).body) as { ops: string[] }).ops;
    const shown = (answer as { ops: string[] }).ops;
    if (shown.length > logged.length)
      throw new Violation(`${op}: the answer shows ${shown.length} of ${key}, the log ${logged.length}`);
  }

  /** D2: the input is acknowledged last, after its record is in the log and everything that record lets out is stored. */
  acknowledged(partition: Partition, sequence: number): void {
    const replay = this.replay(partition);
    const reached = replay.records.at(-1)?.position?.sequence ?? 0;
    if (reached < sequence)
      throw new Violation(`partition ${partition} acknowledged ${sequence}, its log is at ${reached}`);
    const finished = replay.records.findLastIndex(({ position }, index) => {
      const before = replay.records[index - 1]?.position;
      const moved = position?.sequence !== before?.sequence || position?.index !== before?.index;
      return moved && (position?.sequence ?? 0) <= sequence;
    });
    for (const record of replay.records.slice(0, finished + 1)) {
      for (const { to, first, envelopes } of record.outbox)
        if ((replay.stored.get(to) ?? 0) < first + envelopes.length - 1)
          throw new Violation(`partition ${partition} acknowledged ${sequence} before what it tells ${to} is stored`);
      for (const kind of ["decisions", "dead-letters"] as const)
        if (rowsOf(record, kind).length > 0 && replay.rows[kind] < record.commitSeq)
          throw new Violation(`partition ${partition} acknowledged ${sequence} before its ${kind} are stored`);
    }
  }

  #logStored(partition: Partition, message: FencedMessage): void {
    const replay = this.replay(partition);
    if (message.epoch < replay.epoch)
      throw new Violation(`log ${partition}: epoch ${message.epoch} after ${replay.epoch}`);
    if (message.epoch > replay.epoch && message.rows.length > 0)
      throw new Violation(`log ${partition}: epoch ${message.epoch} begins without its epoch record`);
    replay.epoch = message.epoch;
    for (const row of message.rows) this.#recordStored(partition, replay, decodeRecord(row));
    if (message.last !== replay.records.length)
      throw new Violation(`log ${partition}: a message says ${message.last} and reaches ${replay.records.length}`);
  }

  #recordStored(partition: Partition, replay: Replay, record: CommitRecord): void {
    const previous = replay.records.at(-1);
    if (record.commitSeq !== replay.records.length + 1)
      throw new Violation(`log ${partition}: record ${record.commitSeq} follows ${replay.records.length}`);
    if (record.nowMs < (previous?.nowMs ?? 0)) throw new Violation(`log ${partition}: time went back`);
    if (record.epoch < (previous?.epoch ?? 0)) throw new Violation(`log ${partition}: a record's epoch went back`);
    replay.records.push(record);
    for (const { kind, key, part, bytes } of record.states) {
      const path = [kind, key, part].join("\0");
      if (bytes === null) replay.states.delete(path);
      else replay.states.set(path, bytes);
    }
    for (const { dueMs, kind, key, name, set } of record.timers) {
      const path = [dueMs, kind, key, name].join("\0");
      if (set) replay.timers.add(path);
      else replay.timers.delete(path);
    }
    for (const { to, first, envelopes } of record.outbox) {
      if (first !== (replay.sent.get(to) ?? 0) + 1)
        throw new Violation(`log ${partition}: a gap in what it told ${to}`);
      replay.sent.set(to, first + envelopes.length - 1);
    }
  }

  #rowsStored(partition: Partition, of: "decisions" | "dead-letters", message: FencedMessage): void {
    const replay = this.replay(partition);
    const name = subjectName({ of, partition });
    if (message.last > replay.records.length)
      throw new Violation(`${name}: rows of ${message.last} left, the log reaches ${replay.records.length}`);
    if (message.rows.length === 0 || message.last <= replay.rows[of])
      throw new Violation(`${name}: ${message.last} after ${replay.rows[of]}`);
    const due = replay.records.slice(replay.rows[of], message.last).flatMap((record) => rowsOf(record, of));
    const same = due.length === message.rows.length && due.every((row, index) => sameBytes(row, message.rows[index]));
    if (!same) throw new Violation(`${name}: rows up to ${message.last} are not those of the log`);
    replay.rows[of] = message.last;
  }

  #topicStored(partition: Partition, topic: string, message: FencedMessage): void {
    const before = this.#topics.get(topic) ?? 0;
    if (message.last <= before) throw new Violation(`topic ${topic}: version ${message.last} after ${before}`);
    const logged = this.replay(partition).records.some((record) =>
      record.topics.some((output) => output.topic === topic && output.version === message.last),
    );
    if (!logged) throw new Violation(`topic ${topic}: version ${message.last} left before its record`);
    this.#topics.set(topic, message.last);
  }
}

export function rowsOf(record: CommitRecord, of: "decisions" | "dead-letters"): readonly Uint8Array[] {
  return of === "decisions" ? record.decisions : record.deadLetters;
}

function sameBytes(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && Buffer.compare(a, b) === 0;
}
