import { setFlagsFromString } from "node:v8";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { runInNewContext } from "node:vm";
import { BroadcastChannel } from "node:worker_threads";
import { roster } from "../../../runtime/host/roster.ts";
import { runShard } from "../../../runtime/host/run-shard.ts";
import type { ShardTask } from "../../../runtime/threads/shard-thread-messages.ts";
import { benchActors } from "./bench-actors.ts";
import { PROBE_CHANNEL, type ProbeAnswer, type ProbeQuestion } from "./shard-probe.ts";

const NANOS_PER_MS = 1_000_000;

/** A shard thread with the actors of this release and those of the bench, and a probe of its event loop and heap. */
export default async function runBenchShard(task: ShardTask): Promise<void> {
  const loop = monitorEventLoopDelay({ resolution: 1 });
  loop.enable();
  const channel = new BroadcastChannel(PROBE_CHANNEL);
  // Node's type is that of browsers' messages.
  channel.onmessage = (event: unknown) => {
    const { reset, collect } = (event as { readonly data: ProbeQuestion | ProbeAnswer }).data as ProbeQuestion;
    if (collect === undefined) return;
    if (collect) collectGarbage();
    const answer: ProbeAnswer = {
      shard: task.shard,
      loopP999Ms: loop.percentile(99.9) / NANOS_PER_MS,
      loopMaxMs: loop.max / NANOS_PER_MS,
      heapBytes: process.memoryUsage().heapUsed,
    };
    if (reset) loop.reset();
    channel.postMessage(answer);
  };
  const actors = benchActors.map((actor) => [actor.protocol.name, actor] as const);
  try {
    await runShard(task, new Map([...roster(task.agents, task), ...actors]));
  } finally {
    channel.close();
    loop.disable();
  }
}

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}
