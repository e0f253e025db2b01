import { actorRegistry } from "../../runtime/actor/define.ts";
import { roster } from "../../runtime/host/roster.ts";
import { runShard } from "../../runtime/host/run-shard.ts";
import type { ShardTask } from "../../runtime/threads/shard-thread-messages.ts";
import { deadlyActor } from "./deadly-actor.ts";

/** What a shard's thread runs in the tests of supervision: the actors of this release, and one that ends threads. */
export default function runDeadlyShard(task: ShardTask): Promise<void> {
  return runShard(task, actorRegistry([...roster(task.agents, task).values(), deadlyActor]));
}
