import { setTimeout as wait } from "node:timers/promises";
import { RuntimeNode } from "../runtime/runtime-node.ts";
import { bareFlush } from "./floors.ts";
import { figureOf, type Goal, type Run, type Scenario } from "./scenario.ts";

const PER_SECOND = 2_000;
/** Alarms due in one moment, for each second of the measurement. */
const AT_ONCE_A_SECOND = 5_000;
/** Until the first is due, so that all are set by then. */
const LEAD_MS = 8_000;
const SETTLE_MS = 1_000;

const GOALS: readonly Goal[] = [
  {
    id: "6.4",
    text: "timers due at once that fire a second ≥ 2,000",
    figure: figureOf("eventsPerSecond"),
    bound: () => PER_SECOND,
    better: "above",
  },
];

/** Durable timers, each of an actor of its own: an even stream of them, and very many at one moment. Each fires exactly once. */
export const timers: Scenario = {
  name: "timers",
  parameters: ["seconds", "shards"],
  goals: GOALS,
  async run({ seconds, shards }, print, signal): Promise<Run> {
    const floor = await bareFlush(seconds / 3, signal);
    const even = await alarms(PER_SECOND * seconds, 1_000 / PER_SECOND, shards, signal);
    const count = AT_ONCE_A_SECOND * seconds;
    const once = await alarms(count, 0, shards, signal);
    const eventsPerSecond = (count * 1_000) / (once["maxMs"] ?? Number.NaN);
    print(
      `${PER_SECOND}/s: late p50 ${even["p50Ms"]} ms, p99 ${even["p99Ms"]} ms; at once: ${Math.round(eventsPerSecond)}/s`,
    );
    return {
      figures: { eventsPerSecond, ...even },
      ceiling: floor,
      ratio: eventsPerSecond / (floor.figures["eventsPerSecond"] ?? Number.NaN),
      floors: [],
    };
  },
};

async function alarms(count: number, everyMs: number, shards: number, signal: AbortSignal) {
  await using node = await RuntimeNode.open(shards, signal);
  await node.start();
  const dueMs = Date.now() + LEAD_MS;
  await node.setAlarms(count, dueMs, everyMs);
  const lateMs = Date.now() - dueMs;
  if (lateMs > 0) throw new Error(`setting the alarms took ${lateMs} ms longer than the ${LEAD_MS} ms given`);
  await wait(dueMs + count * everyMs + SETTLE_MS - Date.now(), undefined, { signal });
  for (let tries = 0; ; tries++) {
    try {
      return await node.readAlarms(count);
    } catch (error) {
      // Those that come last may still be on their way.
      if (tries > 20) throw error;
      await wait(SETTLE_MS, undefined, { signal });
    }
  }
}
