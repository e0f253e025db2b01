import { roster } from "../../runtime/host/roster.ts";
import { runShard } from "../../runtime/host/run-shard.ts";
import type { ShardTask } from "../../runtime/threads/shard-thread-messages.ts";
import { authorActor } from "./author.ts";

/** A shard thread with the actors of this release and the author. */
export default function runAuthorShard(task: ShardTask): Promise<void> {
  return runShard(task, new Map([...roster(task.agents, task), ["author", authorActor]]));
}
