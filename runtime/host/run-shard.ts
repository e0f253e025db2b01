import type { AnyActor } from "../actor/define.ts";
import type { Clock } from "../core/ports.ts";
import { ShardCore } from "../core/shard-core.ts";
import { LmdbStateReader } from "../lmdb/state-reader.ts";
import { connectShard } from "../nats/shard-connection.ts";
import { AttemptMemory } from "../threads/attempt-memory.ts";
import type { ShardTask } from "../threads/shard-thread-messages.ts";
import { FencedSubjects } from "./fenced-subjects.ts";
import { MailConsumers } from "./mail-consumers.ts";
import { natsOptions } from "./nats-options.ts";
import { createSealer } from "./sealer.ts";
import { ShardThread } from "./shard-thread.ts";

/**
 * A shard: one long-lived pinned Piscina task (D11). Ends when the daemon says so; a fault of the runtime itself rejects the task, and
 * the daemon replaces the thread.
 */
export async function runShard(task: ShardTask, registry: ReadonlyMap<string, AnyActor>): Promise<void> {
  const connection = await connectShard(natsOptions(task.nats, `chorus-shard-${task.shard}`));
  const reader = new LmdbStateReader(task.storeFile);
  const clock: Clock = { nowMs: () => Date.now() + task.clockOffsetMs, monotonicMs: () => performance.now() };
  const attempts = new AttemptMemory(task.attempt);
  const core = new ShardCore({
    partitions: task.partitions,
    registry,
    reader,
    sealer: createSealer(task.sealKey),
    clock,
    settings: task.settings,
    attempts,
  });
  const thread = new ShardThread(task, {
    core,
    reader,
    clock,
    subjects: new FencedSubjects(connection),
    publisher: connection.publisher,
    mail: new MailConsumers((options) => connection.consume(options)),
    agents: connection.agents,
    beat: () => attempts.beat(),
  });
  try {
    await thread.stopped;
  } finally {
    await connection.close();
    await reader.close();
  }
}
