import { z } from "zod";
import { encode } from "../../protocols/codec.ts";
import type { ActorId } from "../../protocols/ids.ts";
import { encodeStatePart } from "../../protocols/state-part.ts";
import type { StateChange } from "../../protocols/commit-record.ts";

/** Kind under which a partition keeps the rows of its dead letters (D11). */
export const DEAD_LETTER_KIND = "$dead-letter";

/** An envelope that could not be applied, with all an operator needs to decide about it. */
export const DeadLetter = z.strictObject({
  id: z.string(),
  partition: z.int(),
  atMs: z.int(),
  kind: z.string(),
  key: z.string(),
  type: z.string(),
  payload: z.unknown(),
  origin: z.string(),
  code: z.string(),
  reason: z.string(),
  stack: z.string().nullable(),
  attempts: z.int(),
  stateVersion: z.int().nullable(),
  /** The dead letter that an operator ran again and that became this one. */
  retryOf: z.string().nullable().optional(),
});
export type DeadLetter = z.infer<typeof DeadLetter>;

const RETRY_ORIGIN = "retry:";

/** How operators name a dead letter: its partition and its id there. */
export const letterName = (partition: number, id: string): string => `${partition}-${id}`;

/** @returns undefined for a text that names no dead letter. */
export function parseLetterName(name: string): { readonly partition: number; readonly id: string } | undefined {
  const [, partition, id] = /^(\d{1,5})-(\d{1,16}-\d{1,6})$/.exec(name) ?? [];
  return partition === undefined || id === undefined ? undefined : { partition: Number(partition), id };
}

/** The origin of an envelope that a dead letter was run again as. */
export const retryOrigin = (letter: string): string => RETRY_ORIGIN + letter;

export interface DeadLetterCause {
  readonly to: Omit<ActorId, "partition">;
  readonly type: string;
  readonly payload: unknown;
  readonly origin: string;
  readonly error: { readonly code: string; readonly message: string; readonly stack?: string };
  readonly attempts: number;
  readonly stateVersion: number | null;
}

/** Larger ones are copied without their payload: row and copy are in one record, which has to fit a message (D2). */
const COPIED_BYTES_MAX = 256 * 1024;

/** The row of the partition and its copy for `chorus.dlq.<p>`; both in the commit that gave the envelope up. */
export function deadLetterOf(
  cause: DeadLetterCause,
  id: string,
  partition: number,
  atMs: number,
): { row: StateChange; copy: Uint8Array } {
  const letter: DeadLetter = {
    id,
    partition,
    atMs,
    kind: cause.to.kind,
    key: cause.to.key,
    type: cause.type,
    payload: cause.payload,
    origin: cause.origin,
    code: cause.error.code,
    reason: cause.error.message,
    stack: cause.error.stack ?? null,
    attempts: cause.attempts,
    stateVersion: cause.stateVersion,
    retryOf: cause.origin.startsWith(RETRY_ORIGIN) ? cause.origin.slice(RETRY_ORIGIN.length) : null,
  };
  const body = encode(letter);
  return {
    row: {
      kind: DEAD_LETTER_KIND,
      key: id,
      part: "",
      bytes: encodeStatePart({ schemaVersion: 1, sealed: false, body }),
    },
    copy: body.byteLength <= COPIED_BYTES_MAX ? body : encode({ ...letter, payload: `[${body.byteLength} bytes]` }),
  };
}
