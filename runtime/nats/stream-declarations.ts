import { DiscardPolicy, RetentionPolicy, StorageType, StoreCompression, type StreamConfig } from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import { AUDIT_SUBJECT, BUCKETS, STREAMS } from "../../protocols/subjects.ts";

const DAY_MS = 86_400_000;
const GIB = 2 ** 30;

/** What a stream is asked to be; what is not declared is left as the server has it. */
export type StreamDeclaration = Partial<StreamConfig> & Pick<StreamConfig, "name" | "subjects">;

export type StreamKey = keyof typeof STREAMS | keyof typeof BUCKETS;

/** Metadata key that holds the number of partitions of the cluster, fixed when it is created (architecture.md 1). */
export const PARTITIONS_METADATA = "chorus.partitions";

export interface ClusterShape {
  readonly partitions: number;
  /** Copies of each stream: 1 on one node. */
  readonly replicas: number;
}

/**
 * Every stream, bucket and object store of Chorus (interfaces.md 6), declared in this one place.
 * All are on file, uncompressed (compression cost more than it saved), and keep their messages from being deleted one by
 * one. The duplicate window is the least there is, as `Nats-Msg-Id` is not relied on (D3).
 */
export function streamDeclarations(shape: ClusterShape): Readonly<Record<StreamKey, StreamDeclaration>> {
  const common = {
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    compression: StoreCompression.None,
    num_replicas: shape.replicas,
    allow_direct: true,
    metadata: { [PARTITIONS_METADATA]: String(shape.partitions) },
  };
  const stream = { ...common, deny_delete: true, duplicate_window: nanos(100) };
  // Internal mail never meets a limit of its stream (D6): it is purged by position, and refused at the edge.
  const unlimited = { ...stream, discard: DiscardPolicy.New };
  const aged = (days: number, bytes: number) => ({
    ...stream,
    discard: DiscardPolicy.Old,
    max_age: nanos(days * DAY_MS),
    max_bytes: bytes,
  });
  // As the KV library makes them, so that it and `nats kv` take them for their own.
  const bucket = { ...common, discard: DiscardPolicy.New, allow_rollup_hdrs: true, deny_delete: true };
  return {
    mail: { ...unlimited, name: STREAMS.mail, subjects: ["chorus.p.*.in"] },
    log: { ...unlimited, name: STREAMS.log, subjects: ["chorus.p.*.log"] },
    decisions: { ...aged(30, 8 * GIB), name: STREAMS.decisions, subjects: ["chorus.decisions.*"] },
    topics: {
      ...stream,
      name: STREAMS.topics,
      subjects: ["chorus.topics.>"],
      discard: DiscardPolicy.Old,
      max_msgs_per_subject: 1,
    },
    deadLetters: { ...aged(30, 2 * GIB), name: STREAMS.deadLetters, subjects: ["chorus.dlq.*"] },
    // By bytes only: a catalog that nobody changes for a year is as old as its last copy.
    catalog: {
      ...stream,
      name: STREAMS.catalog,
      subjects: ["chorus.catalog.>"],
      discard: DiscardPolicy.Old,
      max_bytes: 2 * GIB,
      max_msgs_per_subject: 1,
    },
    audit: { ...aged(400, GIB), name: STREAMS.audit, subjects: [AUDIT_SUBJECT] },
    campaigns: {
      ...bucket,
      name: kv(BUCKETS.campaigns),
      subjects: [kvSubject(BUCKETS.campaigns)],
      max_msgs_per_subject: 8,
    },
    leases: {
      ...bucket,
      name: kv(BUCKETS.leases),
      subjects: [kvSubject(BUCKETS.leases)],
      max_msgs_per_subject: 1,
      // A lease's key has a time to live; its expiry leaves a marker, which watchers see as a purge (facts/nats.md).
      allow_msg_ttl: true,
      subject_delete_marker_ttl: nanos(60_000),
    },
    checkpoints: {
      ...common,
      name: `OBJ_${BUCKETS.checkpoints}`,
      subjects: [`$O.${BUCKETS.checkpoints}.C.>`, `$O.${BUCKETS.checkpoints}.M.>`],
      discard: DiscardPolicy.New,
      allow_rollup_hdrs: true,
    },
  };
}

const kv = (bucketName: string): string => `KV_${bucketName}`;
const kvSubject = (bucketName: string): string => `$KV.${bucketName}.>`;
