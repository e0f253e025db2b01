import { z } from "zod";
import { fnv1a32 } from "./hash.ts";

/** What may stand in an id at any edge: safe in subjects, file names and keys (interfaces.md 4, reliability.md 4). */
export const ID_PATTERN = /^[A-Za-z0-9_-]{1,64}$/;
export const Id = z.string().regex(ID_PATTERN);
export type Id = string;

/** The unit of order, ownership and movement: 0 to the cluster's partition count − 1 (architecture.md 1). */
export const Partition = z.int().min(0).max(65_535).brand<"Partition">();
export type Partition = z.infer<typeof Partition>;

/** Takes a number that is already known to be a partition; it is not checked against the cluster's count. */
export function asPartition(value: number): Partition {
  return value as Partition;
}

/** The partition a key hashes to, of `count` partitions (D4). */
export function partitionOf(key: string, count: number): Partition {
  return (fnv1a32(key) % count) as Partition;
}

/** Names one actor of the cluster. `partition` is where it lives: the hash of its key, or the partition it is pinned to (D16). */
export interface ActorId {
  readonly kind: string;
  readonly key: string;
  readonly partition: Partition;
}

/** One line for logs and errors; keys are pseudonyms or document ids, never raw identifiers. */
export function formatActorId(id: ActorId): string {
  return `${id.kind}/${id.key}@${id.partition}`;
}
