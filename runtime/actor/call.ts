import type { Tell } from "./reference.ts";

/** A pure transition that another actor of the same partition may run synchronously through `fx.call` (ADR 0003). */
export interface CallSpec<Input, Output> {
  readonly kind: string;
  readonly name: string;
  /** @returns the new state and the answer; throws to refuse, which undoes the caller's envelope. */
  readonly run: (
    state: never,
    input: Input,
    context: CallContext,
  ) => { readonly state: unknown; readonly output: Output };
}

export interface CallContext {
  readonly key: string;
  readonly nowMs: number;
  readonly tell: Tell;
  /** Sets a timer of the called actor. */
  readonly setTimer: (name: string, dueMs: number) => void;
}

/** Declares a synchronous call of actors of `kind`; the same object is the address for `fx.call`. */
export function defineCall<S, Input, Output>(
  kind: string,
  name: string,
  run: (state: S, input: Input, context: CallContext) => { readonly state: S; readonly output: Output },
): CallSpec<Input, Output> {
  return { kind, name, run: run };
}
