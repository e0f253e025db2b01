import type { AnyActor } from "../actor/define.ts";
import type { Clock } from "../core/ports.ts";
import { ShardCore } from "../core/shard-core.ts";
import { LmdbStateReader } from "../lmdb/state-reader.ts";
import { connectShard } from "../nats/shard-connection.ts";
import type { ShardTask } from "../threads/shard-thread-messages.ts";
import { FencedSubjects } from "./fenced-subjects.ts";
import { MailConsumers } from "./mail-consumers.ts";
import { natsOptions } from "./nats-options.ts";
import { createSealer } from "./sealer.ts";
import { ShardThread } from "./shard-thread.ts";

/**
 * A shard with the actors it is given: one long-lived pinned Piscina task (D11). Ends when the daemon says so; a fault of the runtime itself rejects the task, and
 * the daemon replaces the thread.
 */
export async function runShard(task: ShardTask, registry: ReadonlyMap<string, AnyActor>): Promise<void> {
  const connection = await connectShard(natsOptions(task.nats, `chorus-shard-${task.shard}`));
  const reader = new LmdbStateReader(task.storeFile);
  const clock: Clock = { nowMs: () => Date.now() + task.clockOffsetMs, monotonicMs: () => performance.now() };
  const attempt = new Int32Array(task.attempt);
  const core = new ShardCore({
    partitions: task.partitions,
    registry,
    reader,
    sealer: createSealer(task.sealKey),
    clock,
    settings: task.settings,
    attempt: (handled) => {
      if (handled !== null) {
        attempt[1] = Math.floor(handled.sequence / 2 ** 31);
        attempt[2] = handled.sequence % 2 ** 31;
        attempt[3] = handled.index;
      }
      attempt[0] = handled === null ? 0 : handled.partition + 1;
    },
  });
  const thread = new ShardThread(task, {
    core,
    reader,
    clock,
    subjects: new FencedSubjects(connection),
    publisher: connection.publisher,
    mail: new MailConsumers((options) => connection.consume(options)),
    agents: connection.agents,
  });
  try {
    await thread.stopped;
  } finally {
    await connection.close();
    await reader.close();
  }
}
