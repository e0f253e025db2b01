import { RuntimeNode } from "../runtime/runtime-node.ts";
import { floorOf } from "./floors.ts";
import { figureOf, floorFigure, type Goal, type Run, type Scenario } from "./scenario.ts";

const CONSULTS_A_SECOND = 2_000_000;

const GOALS: readonly Goal[] = [
  {
    id: "R5",
    text: "asks a second to a local agent in its thread ≥ 2,000,000",
    figure: figureOf("consultsPerSecond"),
    bound: () => CONSULTS_A_SECOND,
    better: "above",
  },
  {
    id: "R5",
    text: "p50 of an ask across threads without commit ≤ 1.5 × a MessagePort's round trip",
    figure: figureOf("p50Ms"),
    bound: (run) => 1.5 * floorFigure(run, "message-port", "p50Ms"),
    better: "below",
  },
];

/** Asks that commit nothing: to a local agent in the shard's thread, and to an actor from another thread. */
export const localAsk: Scenario = {
  name: "local-ask",
  parameters: ["seconds", "shards"],
  goals: GOALS,
  async run({ seconds, shards }, print, signal): Promise<Run> {
    const floor = await floorOf("message-port", { seconds: seconds / 3 }, signal);
    await using node = await RuntimeNode.open(shards, signal);
    await node.start();
    const consultsPerSecond = await node.consults(seconds / 3);
    const one = await node.asks({ type: "Peek", inFlight: 1, keys: 100, seconds: seconds / 2 });
    const many = await node.asks({ type: "Peek", inFlight: 64, keys: 100, seconds: seconds / 2 });
    print(`${Math.round(consultsPerSecond)} consultations/s; across threads p50 ${one["p50Ms"]} ms`);
    return {
      figures: {
        ...one,
        consultsPerSecond,
        manyPerSecond: many["eventsPerSecond"] ?? Number.NaN,
        manyP99Ms: many["p99Ms"] ?? Number.NaN,
      },
      ceiling: floor,
      ratio: (one["eventsPerSecond"] ?? Number.NaN) / (floor.figures["eventsPerSecond"] ?? Number.NaN),
      floors: [],
    };
  },
};
