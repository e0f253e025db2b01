import { INGRESS, encodeMail, type Envelope } from "../../protocols/envelope.ts";
import { asPartition, type Partition } from "../../protocols/ids.ts";
import type { AppendOutcome, SubjectTail } from "../../runtime/core/fenced-append.ts";
import type { FencedSubject } from "../../runtime/core/shard-messages.ts";

/** A message of a fenced subject: its headers (D5) and rows. */
export interface FencedMessage {
  readonly sequence: number;
  readonly epoch: number;
  readonly first: number;
  readonly last: number;
  readonly rows: readonly Uint8Array[];
}

export interface AppendRequest extends Omit<FencedMessage, "sequence"> {
  readonly subject: FencedSubject;
  readonly expectedSequence: number;
}

export interface Mail {
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

/** Hears of what became durable, in order. */
export interface BrokerWitness {
  fencedStored(subject: FencedSubject, message: FencedMessage): void;
  mailStored(receiver: Partition, mail: Mail): void;
  acknowledged(receiver: Partition, sequence: number): void;
}

/**
 * JetStream as the adapters use it: streams whose sequences their subjects share, an append that is stored only behind its expected last
 * subject sequence, mail read from a sequence, an acknowledgement floor. Whether an answer arrives is the wire's business.
 */
export class MemoryBroker {
  readonly #subjects = new Map<string, FencedMessage[]>();
  readonly #mail = new Map<Partition, Mail[]>();
  readonly #newestMail = new Map<Partition, number>();
  readonly #floors = new Map<Partition, number>();
  readonly #witness: BrokerWitness;
  /** false: a broken server that stores whatever comes. */
  fences = true;
  /** Nobody reaches the server. */
  down = false;
  #fencedSequence = 0;
  #mailSequence = 0;

  constructor(witness: BrokerWitness) {
    this.#witness = witness;
  }

  append(request: AppendRequest): AppendOutcome {
    const { subject, expectedSequence, ...message } = request;
    const messages = this.#messages(subject);
    // R1 looks at the expected subject sequence before anything else, so a late copy of a stored append is refused here (facts/nats.md).
    if (this.fences && (messages.at(-1)?.sequence ?? 0) !== expectedSequence) return { outcome: "fenced" };
    const stored = { ...message, sequence: ++this.#fencedSequence };
    messages.push(stored);
    this.#witness.fencedStored(subject, stored);
    return { outcome: "stored", sequence: stored.sequence };
  }

  tail(subject: FencedSubject): SubjectTail {
    return this.#messages(subject).at(-1) ?? { sequence: 0, epoch: 0, last: 0 };
  }

  publishMail(receiver: Partition, bytes: Uint8Array): number {
    const mail = { sequence: ++this.#mailSequence, bytes };
    this.#mailOf(receiver).push(mail);
    this.#newestMail.set(receiver, mail.sequence);
    this.#witness.mailStored(receiver, mail);
    return mail.sequence;
  }

  /** What a gateway does when the owner does not answer (D4): no sequence, the receiver dedupes. */
  publishIngress(receiver: Partition, envelopes: readonly Envelope[]): number {
    return this.publishMail(receiver, encodeMail({ runs: [{ sender: INGRESS, receiver, first: 0, envelopes }] }));
  }

  /** The first mail of a partition at `sequence` or above. */
  mailFrom(receiver: Partition, sequence: number): Mail | undefined {
    return this.#mailOf(receiver).find((mail) => mail.sequence >= sequence);
  }

  lastMail(receiver: Partition): number {
    return this.#newestMail.get(receiver) ?? 0;
  }

  /** Drops what every partition acknowledged, by sequence and unfiltered (D6). */
  purgeMail(partitions: number): void {
    let below = Infinity;
    for (let number = 0; number < partitions; number++) {
      const open = this.mailFrom(asPartition(number), this.floor(asPartition(number)) + 1);
      if (open !== undefined) below = Math.min(below, open.sequence);
    }
    for (const [receiver, mail] of this.#mail)
      this.#mail.set(
        receiver,
        mail.filter(({ sequence }) => sequence >= below),
      );
  }

  /** A consumer is made anew: it asks for nothing below its start. */
  startConsumer(receiver: Partition, startSequence: number): void {
    this.#floors.set(receiver, Math.max(this.floor(receiver), startSequence - 1));
  }

  ack(receiver: Partition, sequence: number): void {
    this.#witness.acknowledged(receiver, sequence);
    this.#floors.set(receiver, Math.max(this.floor(receiver), sequence));
  }

  /** Newest acknowledged sequence of a partition's mail. */
  floor(receiver: Partition): number {
    return this.#floors.get(receiver) ?? 0;
  }

  #mailOf(receiver: Partition): Mail[] {
    let mail = this.#mail.get(receiver);
    if (mail === undefined) this.#mail.set(receiver, (mail = []));
    return mail;
  }

  #messages(subject: FencedSubject): FencedMessage[] {
    const name = subjectName(subject);
    let messages = this.#subjects.get(name);
    if (messages === undefined) this.#subjects.set(name, (messages = []));
    return messages;
  }
}

/** Topics are one subject whoever publishes them; the others are a partition's own. */
export function subjectName(subject: FencedSubject): string {
  return subject.of === "topic" ? `topics/${subject.topic}` : `${subject.of}/${asPartition(subject.partition)}`;
}
