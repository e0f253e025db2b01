import type { ShardTask } from "../threads/shard-thread-messages.ts";
import { roster } from "./roster.ts";
import { runShard } from "./shard-run.ts";

/** A shard thread with the actors of this release. */
export default function runReleaseShard(task: ShardTask): Promise<void> {
  return runShard(task, roster(task.agents, task));
}
