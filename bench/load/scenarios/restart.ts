import { RuntimeNode } from "../runtime/runtime-node.ts";
import { floorOf } from "./floors.ts";
import { figureOf, type Goal, type Run, type Scenario } from "./scenario.ts";

const SMALL_SHARE = 0.1;
/** Events after the actors were made, which a kill finds not folded. */
const UNFOLDED_EVENTS = 100_000;

const GOALS: readonly Goal[] = [
  {
    id: "R8",
    text: "kill -9 to the first handled envelope, ms ≤ 5,000",
    figure: figureOf("startMs"),
    bound: () => 5_000,
    better: "below",
  },
  {
    id: "R8",
    text: "the same as with a tenth of the actors, within 20 %",
    figure: figureOf("startMs"),
    bound: (run) => 1.2 * figureOf("smallStartMs")(run),
    better: "below",
  },
];

/** kill -9 of a node that has many actors on disk and records not yet folded, until the first ask is answered again. */
export const restart: Scenario = {
  name: "restart",
  parameters: ["actors", "shards"],
  goals: GOALS,
  async run({ actors, shards }, print, signal): Promise<Run> {
    const floor = await floorOf("bare-start", { spawnedAtMs: Date.now() }, signal);
    const smallStartMs = await killed(Math.round(actors * SMALL_SHARE), shards, print, signal);
    const startMs = await killed(actors, shards, print, signal);
    const bareMs = floor.figures["startMs"] ?? Number.NaN;
    return {
      figures: { startMs, smallStartMs, eventsPerSecond: 1_000 / startMs },
      ceiling: { ...floor, figures: { ...floor.figures, eventsPerSecond: 1_000 / bareMs } },
      ratio: bareMs / startMs,
      floors: [],
    };
  },
};

async function killed(
  actors: number,
  shards: number,
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<number> {
  await using node = await RuntimeNode.open(shards, signal);
  // Each key is drawn twice on average: 86 % of them exist then.
  const mix = { keys: actors, skew: "uniform", seed: 1 } as const;
  const first = await node.publish(mix, 2 * actors);
  await node.start();
  await node.drained(2 * actors, first.outputs);
  await node.publish(mix, UNFOLDED_EVENTS);
  const atMs = performance.now();
  await node.killAndReopen();
  await node.start();
  await node.asks({ type: "Peek", inFlight: 1, keys: 1, seconds: 0.001 });
  const startMs = performance.now() - atMs;
  print(`${actors} actors: ${Math.round(startMs)} ms`);
  return startMs;
}
