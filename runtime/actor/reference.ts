import type { Partition } from "../../protocols/ids.ts";
import type { MessageSpec, Messages, Payload, Protocol } from "../../protocols/protocol.ts";

/** Where a message goes: the kind's protocol, a key, and the partition if the actor is pinned to one (D16). */
export interface ActorRef<P extends Protocol = Protocol> {
  readonly protocol: P;
  readonly key: string;
  /** undefined: the partition its key hashes to. */
  readonly partition: Partition | undefined;
}

/** Refers to the actor of `key`, in the partition its key hashes to or in the one it is pinned to. */
export function ref<P extends Protocol>(protocol: P, key: string, partition?: Partition): ActorRef<P> {
  return { protocol, key, partition };
}

export type NameOf<M extends Messages, Form extends MessageSpec["form"]> = {
  [K in keyof M & string]: M[K]["form"] extends Form ? K : never;
}[keyof M & string];

/** Sends a message after the commit: within the partition before the group closes, to another over the bus. */
export type Tell = <P extends Protocol, Name extends NameOf<P["messages"], "tell">>(
  to: ActorRef<P>,
  type: Name,
  payload: Payload<P["messages"][Name]>,
) => void;

/** A tell to an actor whose protocol is not known here: what it is sent was checked elsewhere. */
export type AnyTell = (to: ActorRef, type: string, payload: unknown) => void;
