import { z } from "zod";
import { decode, encode } from "../../protocols/codec.ts";
import type { StateChange } from "../../protocols/commit-record.ts";
import { Fault } from "../../protocols/errors.ts";
import { decodeStatePart, encodeStatePart } from "../../protocols/state-part.ts";

/** Kind under which a partition keeps what does not run in it. */
export const SUSPENSION_KIND = "$suspension";
/** Suspensions one partition takes: they are held in memory. */
export const SUSPENSIONS_MAX = 1_000;

/** A kind or an actor that does not run: paused by an operator (its mail waits), or stopped (its mail becomes dead letters). */
export const Suspension = z.strictObject({
  /** null: mail of the partition as a whole, of which nothing is applied. */
  kind: z.string().nullable(),
  /** null: all of the kind. */
  key: z.string().nullable(),
  state: z.enum(["paused", "stopped"]),
  reason: z.string(),
  atMs: z.int(),
});
export type Suspension = z.infer<typeof Suspension>;

/** Where a partition writes rows of its own. */
export interface RowWriter {
  row(change: StateChange): void;
}

/**
 * What does not run in one partition. U1: what is suspended is so in the commit that says it, and stays so across restarts and moves.
 */
export class Suspensions {
  readonly #rows = new Map<string, Suspension>();

  /** @param rows as stored. @throws Fault STATE_CORRUPT. */
  constructor(rows: readonly Uint8Array[]) {
    for (const bytes of rows) {
      const suspension = Suspension.parse(decode(decodeStatePart(bytes).body));
      this.#rows.set(nameOf(suspension.kind, suspension.key), suspension);
    }
  }

  /** Whether mail of the partition waits. */
  get mail(): boolean {
    return this.#rows.size > 0 && this.#rows.has(nameOf(null, null));
  }

  get list(): readonly Suspension[] {
    return [...this.#rows.values()];
  }

  /** Why an actor does not run; a stopped kind comes before a paused actor. */
  of(kind: string, key: string): Suspension | undefined {
    if (this.#rows.size === 0) return undefined;
    return this.#rows.get(nameOf(kind, null)) ?? this.#rows.get(nameOf(kind, key));
  }

  /** The suspension of exactly that. */
  at(kind: string | null, key: string | null): Suspension | undefined {
    return this.#rows.get(nameOf(kind, key));
  }

  /** @throws Fault OVERLOADED when there are too many. */
  put(suspension: Suspension, writer: RowWriter): void {
    const name = nameOf(suspension.kind, suspension.key);
    if (!this.#rows.has(name) && this.#rows.size >= SUSPENSIONS_MAX)
      throw new Fault("OVERLOADED", `${SUSPENSIONS_MAX} suspensions in one partition: pause the kind instead`);
    this.#rows.set(name, suspension);
    const bytes = encodeStatePart({ schemaVersion: 1, sealed: false, body: encode(suspension) });
    writer.row({ kind: SUSPENSION_KIND, key: name, part: "", bytes });
  }

  remove(suspension: Suspension, writer: RowWriter): void {
    const name = nameOf(suspension.kind, suspension.key);
    this.#rows.delete(name);
    writer.row({ kind: SUSPENSION_KIND, key: name, part: "", bytes: null });
  }
}

/** Kinds and keys hold no `/`. */
function nameOf(kind: string | null, key: string | null): string {
  if (kind === null) return "*";
  return key === null ? kind : `${kind}/${key}`;
}
