import { Fault } from "../../protocols/errors.ts";
import type { Messages, Payload, Protocol } from "../../protocols/protocol.ts";
import type { Effects, EffectsFor } from "./effects.ts";
import type { PartsState, PartTable, SingleState } from "./state.ts";
import type { SupervisionStrategy } from "./supervision.ts";

type Handlers<M extends Messages, S> = {
  readonly [Name in keyof M & string]: (state: S, message: Payload<M[Name]>, fx: EffectsFor<M[Name]>) => S;
};

interface Common<M extends Messages, S> {
  readonly supervision?: SupervisionStrategy;
  /** Idle this long, the actor leaves memory; its state stays in the store. */
  readonly passivateAfterMs?: number;
  readonly handlers: Handlers<M, S>;
  /** Handlers of durable timers by name (D10). */
  readonly timers?: Readonly<Record<string, (state: S, fx: Effects) => S>>;
  /** If given, only these messages create the actor; others find it absent (Fault ACTOR_ABSENT for asks, counted drop for tells). */
  readonly opens?: readonly (keyof M & string)[];
  /** pinned actors live in the partition they are addressed in, not where their key hashes to (D16). */
  readonly pinned?: boolean;
  /** What an operator sees of a state that should not be shown as it is; default: the state itself. */
  readonly inspect?: (state: S) => unknown;
}

export interface SingleActorDefinition<M extends Messages, S> extends Common<M, S> {
  readonly protocol: Protocol<string, M>;
  readonly state: SingleState<S>;
}

export interface PartsActorDefinition<M extends Messages, Shape extends object> extends Common<M, PartTable<Shape>> {
  readonly protocol: Protocol<string, M>;
  readonly parts: PartsState<Shape>;
}

/** An actor with its types forgotten, as the runtime's registry holds it. */
export interface AnyActor {
  readonly protocol: Protocol;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- state types differ by kind; the activation keeps them apart
  readonly state?: SingleState<any>;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as above
  readonly parts?: PartsState<any>;
  readonly supervision?: SupervisionStrategy;
  readonly passivateAfterMs?: number;
  readonly handlers: Readonly<Record<string, (state: never, message: never, fx: never) => unknown>>;
  readonly timers?: Readonly<Record<string, (state: never, fx: Effects) => unknown>>;
  readonly opens?: readonly string[];
  readonly pinned?: boolean;
  readonly inspect?: (state: never) => unknown;
}

/** Defines a keyed actor whose state is one value. Handlers are synchronous; missing handlers and wrong replies do not compile. */
export function defineActor<Name extends string, M extends Messages, S>(
  protocol: Protocol<Name, M>,
  definition: Omit<SingleActorDefinition<M, S>, "protocol">,
): SingleActorDefinition<M, S> {
  return { protocol, ...definition };
}

/** Defines a keyed actor whose state is a table of parts. `opens` is not possible here: a table has no first part. */
export function definePartsActor<Name extends string, M extends Messages, Shape extends object>(
  protocol: Protocol<Name, M>,
  definition: Omit<PartsActorDefinition<M, Shape>, "protocol" | "opens">,
): PartsActorDefinition<M, Shape> {
  return { protocol, ...definition };
}

/** All actors a node can run, by kind. @throws Fault CONFIG_INVALID when two definitions claim one kind. */
export function actorRegistry(definitions: readonly AnyActor[]): ReadonlyMap<string, AnyActor> {
  const registry = new Map<string, AnyActor>();
  for (const definition of definitions) {
    const kind = definition.protocol.name;
    if (registry.has(kind)) throw new Fault("CONFIG_INVALID", `two actors of kind ${kind}`);
    registry.set(kind, definition);
  }
  return registry;
}
