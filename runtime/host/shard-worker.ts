import type { ShardTask } from "../threads/shard-thread-messages.ts";
import { roster } from "./roster.ts";
import { runShard } from "./run-shard.ts";

/** What a shard's thread runs: the actors of this release. */
export default function runReleasedShard(task: ShardTask): Promise<void> {
  return runShard(task, roster(task.agents, task));
}
