import {
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  type StreamConfig,
  type StreamInfo,
} from "@nats-io/jetstream";
import { Fault } from "../../protocols/errors.ts";
import {
  type ClusterShape,
  PARTITIONS_METADATA,
  type StreamDeclaration,
  streamDeclarations,
  type StreamKey,
} from "./stream-declarations.ts";

/** A stream's name and the time it was made: with a sequence, a position that a stream made anew does not share (D2). */
export type StreamIdentity = string;

/** What the server never changes in a stream that exists. */
const FIXED = ["retention", "storage"] as const satisfies readonly (keyof StreamConfig)[];

/**
 * Brings the streams, buckets and the object store to what is declared: makes what is absent, updates what may change.
 * Safe to repeat, and from several nodes at once.
 * @throws Fault `PARTITIONS_MISMATCH` when the cluster was made with another number of partitions,
 * `STREAM_INCOMPATIBLE` when a stream has a setting that cannot be changed, `NATS_UNAVAILABLE` when NATS does not answer.
 */
export async function provision(
  jsm: JetStreamManager,
  shape: ClusterShape,
): Promise<Readonly<Record<StreamKey, StreamIdentity>>> {
  const identities: Partial<Record<StreamKey, StreamIdentity>> = {};
  // In order, mail first: a cluster of another shape is refused before anything is touched.
  for (const [key, declaration] of Object.entries(streamDeclarations(shape)) as [StreamKey, StreamDeclaration][]) {
    identities[key] = identityOf(await reconcile(jsm, declaration, shape.partitions));
  }
  return identities as Record<StreamKey, StreamIdentity>;
}

export function identityOf(info: StreamInfo): StreamIdentity {
  return `${info.config.name}@${info.created}`;
}

async function reconcile(jsm: JetStreamManager, declared: StreamDeclaration, partitions: number): Promise<StreamInfo> {
  const { name } = declared;
  try {
    const present = (await infoOf(jsm, name)) ?? (await jsm.streams.add(declared));
    refusePartitions(present, partitions);
    refuseFixed(present, declared);
    if (!differs(present.config, declared)) return present;
    return await jsm.streams.update(name, {
      ...declared,
      metadata: { ...present.config.metadata, ...declared.metadata },
    });
  } catch (error) {
    if (error instanceof Fault) throw error;
    if (error instanceof JetStreamApiError) {
      const message = `NATS refuses the stream ${name}: ${error.message}`;
      throw new Fault("STREAM_INCOMPATIBLE", message, { details: { stream: name, code: error.code }, cause: error });
    }
    throw new Fault("NATS_UNAVAILABLE", `cannot provision the stream ${name}`, {
      details: { stream: name },
      cause: error,
    });
  }
}

async function infoOf(jsm: JetStreamManager, name: string): Promise<StreamInfo | null> {
  try {
    return await jsm.streams.info(name);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return null;
    throw error;
  }
}

function refusePartitions(present: StreamInfo, configured: number): void {
  const created = present.config.metadata?.[PARTITIONS_METADATA];
  if (created === String(configured)) return;
  const { name } = present.config;
  throw new Fault(
    "PARTITIONS_MISMATCH",
    `the stream ${name} was made for ${created ?? "an unknown number of"} partitions, this node is configured for ${configured}`,
    { details: { stream: name, created: created ?? null, configured } },
  );
}

function refuseFixed(present: StreamInfo, declared: StreamDeclaration): void {
  const config = present.config;
  const fixed = FIXED.find((key) => config[key] !== declared[key]);
  // An asynchronous stream overrides `sync_interval: always` and loses what it acknowledged (facts/nats.md).
  const why = config.persist_mode === "async" ? "persist_mode" : fixed;
  if (why === undefined) return;
  throw new Fault("STREAM_INCOMPATIBLE", `the stream ${config.name} has ${why} ${String(config[why])}`, {
    details: { stream: config.name, setting: why, present: config[why] },
  });
}

function differs(present: StreamConfig, declared: StreamDeclaration): boolean {
  return (Object.keys(declared) as (keyof StreamDeclaration)[]).some((key) =>
    key === "metadata"
      ? Object.entries(declared.metadata ?? {}).some(([name, value]) => present.metadata?.[name] !== value)
      : JSON.stringify(present[key] ?? null) !== JSON.stringify(declared[key] ?? null),
  );
}
