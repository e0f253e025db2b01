import type { ActorId, Partition } from "../../protocols/ids.ts";
import type { Messages, Payload, Protocol, Reply } from "../../protocols/protocol.ts";

/** The gateway's way to actors. It has no sequences, so what must not be lost is asked, or handed to the partition's mail (D4). */
export interface Asker {
  /** Partitions of the cluster. */
  readonly partitions: number;
  /**
   * Asks an actor and waits for the answer, which comes after the commit it caused.
   * @param onLate called with a reply that came after the promise was rejected: what it promised reaches nobody (D5).
   * @throws Fault as the shard says, ASK_EXPIRED after `timeoutMs`, NOT_OWNER, OVERLOADED.
   */
  ask(
    to: ActorId,
    type: string,
    payload: unknown,
    timeoutMs: number,
    onLate?: (reply: unknown) => void,
  ): Promise<unknown>;
  /** Sends without waiting and without a promise that it arrives. */
  tell(to: ActorId, type: string, payload: unknown): void;
  /**
   * Puts an envelope into the partition's mail (D4).
   * @returns true once JetStream has stored it; false when it was refused because the backlog is at its bound.
   * @throws Fault when the bus does not answer; the envelope may or may not be stored.
   */
  publishIngress(to: ActorId, type: string, payload: unknown): Promise<boolean>;
}

export interface AskTo {
  readonly key: string;
  readonly partition: Partition;
}

/** An ask with the types of its protocol. @throws Fault as `Asker.ask`. */
export async function askActor<M extends Messages, T extends keyof M & string>(
  asker: Asker,
  protocol: Protocol<string, M>,
  to: AskTo,
  type: T,
  payload: Payload<M[T]>,
  timeoutMs: number,
  onLate?: (reply: Reply<M[T]>) => void,
): Promise<Reply<M[T]>> {
  const id: ActorId = { kind: protocol.name, ...to };
  return (await asker.ask(id, type, payload, timeoutMs, onLate as ((reply: unknown) => void) | undefined)) as Reply<
    M[T]
  >;
}
