import { jetstream } from "@nats-io/jetstream";
import { headers as natsHeaders } from "@nats-io/transport-node";
import { encodeMail, INGRESS, type Envelope } from "../../protocols/envelope.ts";
import { asPartition } from "../../protocols/ids.ts";
import { HEADERS, mailSubject, MSGPACK } from "../../protocols/subjects.ts";
import type { Doom } from "./deadly-actor.ts";
import { eventually } from "./daemon-probe.ts";
import { natsBinary } from "./nats.ts";
import { type OperatedNode, type OperatedNodeOptions, startOperatedNode } from "./operated-node.ts";

const SETTLED_MS = 30_000;
const ASK_MS = 5_000;

export interface SeenEvent {
  readonly kind: string;
  readonly event: string;
  readonly details: Record<string, unknown>;
  readonly atMs: number;
}

/** A dead letter as the list shows it. */
export interface ListedLetter {
  readonly letter: string;
  readonly type: string;
  readonly code: string;
}

/** A real node whose shards have the deadly actor, and what tests do with it. */
export class DeadlyNode {
  readonly node: OperatedNode;
  readonly events: SeenEvent[];

  private constructor(node: OperatedNode, events: SeenEvent[]) {
    this.node = node;
    this.events = events;
  }

  static async start(settings: OperatedNodeOptions["settings"]): Promise<DeadlyNode> {
    const events: SeenEvent[] = [];
    const node = await startOperatedNode(natsBinary(), {
      settings: { ...settings },
      shardWorker: new URL("./deadly-worker.ts", import.meta.url),
      onEvent: (kind, event, details) => void events.push({ kind, event, details, atMs: performance.now() }),
    });
    return new DeadlyNode(node, events);
  }

  /** One message of mail, as a gateway hands it to JetStream when the owner does not answer. */
  async mail(partition: number, messages: readonly (readonly [key: string, type: string, payload: object])[]) {
    const receiver = asPartition(partition);
    const envelopes = messages.map(([key, type, payload]): Envelope => ({ kind: "deadly", key, type, payload }));
    const bytes = encodeMail({ runs: [{ sender: INGRESS, receiver, first: 0, envelopes }] });
    const headers = natsHeaders();
    headers.set(HEADERS.contentType, MSGPACK);
    headers.set(HEADERS.type, "mail");
    headers.set(HEADERS.count, String(envelopes.length));
    await jetstream(this.node.nats.connection.connection).publish(mailSubject(receiver), bytes, { headers });
  }

  /** @throws Fault of the actor. */
  total(partition: number, key: string, doom: Doom = "none"): Promise<unknown> {
    const to = { kind: "deadly", key, partition: asPartition(partition) };
    return this.node.runtime.asker.ask(to, "Total", { doom }, ASK_MS);
  }

  becomes(partition: number, key: string, total: number): Promise<void> {
    return eventually(`${key} in ${partition} has ${total}`, () => this.total(partition, key), total, SETTLED_MS);
  }

  async letters(): Promise<readonly ListedLetter[]> {
    return ((await this.node.inspection.deadLetters()) as { deadLetters: readonly ListedLetter[] }).deadLetters;
  }

  /** Waits until just these types are dead letters. */
  lettersBecome(types: readonly string[]): Promise<void> {
    const listed = async (): Promise<string[]> => (await this.letters()).map(({ type }) => type);
    return eventually("dead letters", listed, [...types], SETTLED_MS);
  }

  deaths(): SeenEvent[] {
    return this.events.filter(({ kind, event }) => kind === "shard" && event === "died");
  }
}
