import { type KV, KvWatchInclude, Kvm } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { Fault } from "../../protocols/errors.ts";
import { BUCKETS } from "../../protocols/subjects.ts";

/** The bucket `CHORUS_CAMPAIGNS` (interfaces.md 6): one JSON text a key. All methods throw Fault NATS_UNAVAILABLE. */
export interface CampaignBucket {
  entries(): Promise<Map<string, string>>;
  put(key: string, json: string): Promise<void>;
  delete(key: string): Promise<void>;
}

export async function openCampaignBucket(connection: NatsConnection): Promise<CampaignBucket> {
  const bucket = await reached("open", () => new Kvm(connection).open(BUCKETS.campaigns));
  return {
    entries: () => reached("read", () => entriesOf(bucket)),
    put: async (key, json) => {
      await reached("write", () => bucket.put(key, json));
    },
    delete: (key) => reached("write", () => bucket.delete(key)),
  };
}

async function entriesOf(bucket: KV): Promise<Map<string, string>> {
  const entries = new Map<string, string>();
  if ((await bucket.status()).values === 0) return entries;
  const watch = await bucket.watch({ include: KvWatchInclude.LastValue });
  for await (const entry of watch) {
    if (entry.operation === "PUT") entries.set(entry.key, entry.string());
    if (entry.delta === 0) break;
  }
  return entries;
}

async function reached<T>(verb: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new Fault("NATS_UNAVAILABLE", `cannot ${verb} the bucket ${BUCKETS.campaigns}`, { cause });
  }
}
