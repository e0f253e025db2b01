import { hashNumbers } from "./hash.ts";
import { asPartition, type Partition } from "./ids.ts";

/**
 * A UUIDv7 (RFC 9562) whose random bits are the partition and a hash of where the decision was committed (D13): rand_a (12 bits)
 * and the top 4 bits of rand_b hold the partition, the rest the hash. Deterministic, so a replay gives the same id.
 */
export type DecisionId = string;

export interface DecisionOrigin {
  readonly nowMs: number;
  readonly partition: Partition;
  readonly epoch: number;
  readonly commitSeq: number;
  /** Number of the id within its record. */
  readonly index: number;
}

export function decisionIdOf(origin: DecisionOrigin): DecisionId {
  const time = origin.nowMs.toString(16).padStart(12, "0");
  const partition = origin.partition.toString(16).padStart(4, "0");
  const low = hashNumbers(origin.partition, origin.epoch, origin.commitSeq, origin.index);
  const high = hashNumbers(low, origin.index, origin.commitSeq, origin.epoch, origin.nowMs);
  const variant = (0x8 | (high & 0x3)).toString(16);
  const rest = (high >>> 2).toString(16).padStart(8, "0").slice(-6) + low.toString(16).padStart(8, "0");
  return `${time.slice(0, 8)}-${time.slice(8, 12)}-7${partition.slice(0, 3)}-${variant}${partition.slice(3)}${rest.slice(0, 2)}-${rest.slice(2)}`;
}

/** Names one ad of a decision: its delivery, its events, VAST's AdServingId. The first ad of an answer has the decision's own id. */
export function servingIdOf(decisionId: DecisionId, slot: number): string {
  return slot === 0 ? decisionId : `${decisionId}-${slot}`;
}

/** The decision and the ad's place in its answer that a serving id names. */
export function readServingId(servingId: string): { readonly decisionId: DecisionId; readonly slot: number } {
  const slot = Number(servingId.slice(UUID_CHARS + 1));
  return servingId.length > UUID_CHARS && Number.isSafeInteger(slot)
    ? { decisionId: servingId.slice(0, UUID_CHARS), slot }
    : { decisionId: servingId, slot: 0 };
}

const UUID_CHARS = 36;
const SHAPE = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** When and where the decision was made, or null when the text is not a decision id. */
export function readDecisionId(text: string): { readonly atMs: number; readonly partition: Partition } | null {
  if (!SHAPE.test(text)) return null;
  return {
    atMs: Number.parseInt(text.slice(0, 8) + text.slice(9, 13), 16),
    partition: asPartition(Number.parseInt(text.slice(15, 18) + text.slice(20, 21), 16)),
  };
}
