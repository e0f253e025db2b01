import type { MailPosition } from "../../protocols/commit-record.ts";
import { INGRESS, type Envelope, type Run, type Sender } from "../../protocols/envelope.ts";
import { Fault } from "../../protocols/errors.ts";
import type { Partition } from "../../protocols/ids.ts";
import type { DeadLetterCause } from "./dead-letter.ts";
import type { DeadlyAttempts, Suspect } from "./attempt.ts";
import { MailQueue } from "./mail-queue.ts";
import type { OpenRecord } from "./open-record.ts";
import type { Opening } from "./ports.ts";

/** An envelope of mail, by its place in the stream. */
export interface MailPlace {
  readonly sequence: number;
  readonly index: number;
}

/** Mail of a sender that is missing: everything before `found` and after `expected` (D4). */
export interface MailGap {
  readonly sender: Sender;
  readonly expected: number;
  readonly found: number;
}

/** What intake needs of its partition. */
export interface IntakeHost {
  readonly partition: Partition;
  readonly deadly: DeadlyAttempts;
  open(): OpenRecord;
  /** Runs an admitted envelope. */
  apply(envelope: Envelope, origin: string, place: MailPlace): void;
  /** Gives an envelope up unrun. */
  abandon(envelope: Envelope, origin: string, suspect: Suspect): void;
  /** Whether the open record has room for another envelope (D1). */
  hasRoom(): boolean;
  event(kind: string, event: string, details: Record<string, unknown>): void;
  count(counter: "duplicates" | "dropped"): void;
  deadLetter(cause: DeadLetterCause): void;
}

/** Senders whose sequences a partition keeps: every partition of the largest cluster, and as many producers outside. */
const SENDERS_MAX = 2_048;

/**
 * Applies a partition's mail in order (D2, D4). I1: an envelope of a sender is applied once, in its order: lower or equal sequences are
 * dropped, a gap stops the mail until an operator accepts it. I2: the position moves in the record that applied the envelope.
 */
export class MailIntake {
  readonly queue: MailQueue;
  readonly #host: IntakeHost;
  readonly #received: Map<Sender, number>;
  #position: MailPosition | null;
  #gap: MailGap | null = null;
  #finishedSequence = 0;

  /** Nothing is applied: an operator paused it. */
  paused = false;

  constructor(host: IntakeHost, opening: Opening) {
    this.#host = host;
    this.#received = new Map(opening.received);
    this.#position = opening.position;
    this.queue = new MailQueue(opening.position?.sequence ?? 0);
  }

  get position(): MailPosition | null {
    return this.#position;
  }
  /** Nothing can be applied, whatever came. */
  get waits(): boolean {
    return this.#gap !== null || this.paused;
  }
  get gap(): MailGap | null {
    return this.#gap;
  }
  /** Newest message of which every envelope was applied; it may be acknowledged once its commit's outputs are (D2 step 5). */
  get finishedSequence(): number {
    return this.#finishedSequence;
  }

  /** @param stream identity of the mail stream. @throws Fault STREAM_REWOUND when the position belongs to another. */
  bindStream(stream: string): void {
    const position = this.#position;
    if (position !== null && position.stream !== stream) {
      const { partition } = this.#host;
      throw new Fault(
        "STREAM_REWOUND",
        `partition ${partition} applied mail of stream ${position.stream}, the server has ${stream}`,
        { details: { partition, position } },
      );
    }
    this.#position ??= { stream, sequence: 0, index: 0 };
  }

  /** Applies at most `limit` envelopes of waiting mail. @returns how many were looked at. */
  apply(limit: number): number {
    let looked = 0;
    while (looked < limit && !this.waits && this.#host.hasRoom()) {
      const head = this.queue.head();
      if (head === undefined) break;
      if (head.message instanceof Fault) {
        this.#refuseMessage(head.sequence, head.message);
        looked++;
        continue;
      }
      const total = head.message.runs.reduce((sum, run) => sum + run.envelopes.length, 0);
      const start = this.#position?.sequence === head.sequence ? this.#position.index : 0;
      const until = Math.min(total, start + (limit - looked));
      const reached = this.#applyRuns(head.message.runs, head.sequence, start, until);
      looked += Math.max(1, reached - start);
      this.#move(head.sequence, reached);
      if (reached >= total) this.#finish(head.sequence);
    }
    return looked;
  }

  /** Resumes behind a gap, without what is missing. */
  acceptGap(): void {
    if (this.#gap === null) return;
    this.#received.set(this.#gap.sender, this.#gap.found - 1);
    this.#gap = null;
  }

  /** @returns the index of the first envelope that was not looked at. */
  #applyRuns(runs: readonly Run[], sequence: number, start: number, until: number): number {
    let index = 0;
    for (const run of runs) {
      for (let offset = 0; offset < run.envelopes.length; offset++, index++) {
        if (index < start) continue;
        if (index >= until || !this.#host.hasRoom()) return index;
        const envelope = run.envelopes[offset];
        if (envelope === undefined || run.receiver !== this.#host.partition) continue;
        if (this.#admit(run.sender, run.first + offset)) this.#run(envelope, run.sender, { sequence, index });
        else if (this.#gap !== null) return index;
      }
    }
    return index;
  }

  #run(envelope: Envelope, sender: Sender, place: MailPlace): void {
    const deadly = this.#host.deadly.takeMail(place.sequence, place.index);
    if (deadly === undefined) this.#host.apply(envelope, String(sender), place);
    else this.#host.abandon(envelope, String(sender), deadly);
  }

  /** D4: lower or equal is dropped; a gap stops the mail; ingress carries no sequence. */
  #admit(sender: Sender, sequence: number): boolean {
    if (sender === INGRESS) return true;
    const last = this.#received.get(sender) ?? 0;
    if (last === 0 && this.#received.size >= SENDERS_MAX && !this.#received.has(sender)) {
      this.#host.count("dropped");
      this.#host.event("partition", "sender-refused", { sender });
      return false;
    }
    if (sequence <= last) {
      this.#host.count("duplicates");
      return false;
    }
    if (sequence > last + 1) {
      this.#gap = { sender, expected: last + 1, found: sequence };
      this.#host.event("partition", "mail-gap", { ...this.#gap });
      return false;
    }
    this.#received.set(sender, sequence);
    this.#host.open().received(sender, sequence);
    return true;
  }

  /** A message whose bytes are no mail is a dead letter as a whole. */
  #refuseMessage(sequence: number, fault: Fault): void {
    if (this.#position?.sequence !== sequence || this.#position.index === 0) {
      this.#host.deadLetter({
        to: { kind: "partition", key: String(this.#host.partition) },
        type: "mail",
        payload: { sequence },
        origin: "bus",
        error: { code: fault.code, message: fault.message },
        attempts: 0,
        stateVersion: null,
      });
      this.#move(sequence, 1);
    }
    this.#finish(sequence);
  }

  #finish(sequence: number): void {
    this.#finishedSequence = sequence;
    this.queue.shift();
  }

  #move(sequence: number, index: number): void {
    if (this.#position?.sequence === sequence && this.#position.index === index) return;
    this.#position = { stream: this.#position?.stream ?? "", sequence, index };
    this.#host.open().position = this.#position;
  }
}
