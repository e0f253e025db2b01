import { BroadcastChannel } from "node:worker_threads";

/** Channel of the process on which shards say how their thread does. */
export const PROBE_CHANNEL = "bench-shards";

export interface ProbeQuestion {
  /** Begins a new measurement of the event loop. */
  readonly reset: boolean;
  /** Collects garbage first. */
  readonly collect: boolean;
}

export interface ProbeAnswer {
  readonly shard: number;
  /** Longest time between two turns of the event loop, milliseconds, in 99.9 % of looks. */
  readonly loopP999Ms: number;
  readonly loopMaxMs: number;
  readonly heapBytes: number;
}

/** Asks every shard of this process. */
export async function probeShards(shards: number, question: ProbeQuestion): Promise<readonly ProbeAnswer[]> {
  const channel = new BroadcastChannel(PROBE_CHANNEL);
  const answers: ProbeAnswer[] = [];
  try {
    return await new Promise((resolve) => {
      channel.onmessage = (event: unknown) => {
        answers.push((event as { readonly data: ProbeAnswer }).data);
        if (answers.length === shards) resolve(answers);
      };
      channel.postMessage(question);
    });
  } finally {
    channel.close();
  }
}
