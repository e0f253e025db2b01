import type { AskLoad } from "../runtime/ask-load.ts";
import { RuntimeNode } from "../runtime/runtime-node.ts";
import type { Figures } from "../statistics.ts";
import { bareFlush } from "./floors.ts";
import { figureOf, floorFigure, type Goal, type Run, type Scenario } from "./scenario.ts";

const MAIL_PER_SECOND = 100_000;
/** Of the mail that runs behind: before the asks are measured, and until they are. */
const MAIL_MARGIN_SECONDS = 1;

const flushes = (run: Run): number => floorFigure(run, "bare-flush", "eventsPerSecond");

const GOALS: readonly Goal[] = [
  {
    id: "R3",
    text: "asks a second, 64 in flight ≥ 10 × bare transactions",
    figure: figureOf("eventsPerSecond"),
    bound: (run) => 10 * flushes(run),
    better: "above",
  },
  {
    id: "R3",
    text: "asks a second, 1 in flight ≥ .4 × bare transactions",
    figure: figureOf("onePerSecond"),
    bound: (run) => 0.4 * flushes(run),
    better: "above",
  },
  {
    id: "R4",
    text: "with mail behind: p99 of 16 in flight ≤ 10 × p99 of a bare transaction",
    figure: figureOf("behindMail16P99Ms"),
    bound: (run) => 10 * floorFigure(run, "bare-flush", "p99Ms"),
    better: "below",
  },
  {
    id: "R4",
    text: "with mail behind: asks a second, 64 in flight ≥ 5 × bare transactions",
    figure: figureOf("behindMailPerSecond"),
    bound: (run) => 5 * flushes(run),
    better: "above",
  },
];

/** W2: an ask that changes durable state before it is answered, alone and with W1's mail behind it. */
export const durableAsk: Scenario = {
  name: "durable-ask",
  parameters: ["seconds", "keys", "shards"],
  goals: GOALS,
  async run({ seconds, keys, shards }, print, signal): Promise<Run> {
    const floor = await bareFlush(seconds / 3, signal);
    await using node = await RuntimeNode.open(shards, signal);
    await node.start();
    const asks = async (inFlight: number, what: string): Promise<Figures> => {
      const load: AskLoad = { type: "Bump", inFlight, keys, seconds };
      const figures = await node.asks(load);
      const { eventsPerSecond = 0, p50Ms = 0, p99Ms = 0 } = figures;
      print(`${inFlight} in flight${what}: ${Math.round(eventsPerSecond)}/s, p50 ${p50Ms} ms, p99 ${p99Ms} ms`);
      return figures;
    };
    const one = await asks(1, "");
    const many = await asks(64, "");
    // Two measurements, each with its third of warming up.
    const mailSeconds = 2 * seconds * (4 / 3) + 2 * MAIL_MARGIN_SECONDS;
    const mix = { keys, skew: "zipf", seed: 1 } as const;
    const mail = node.publish(mix, Math.round(mailSeconds * MAIL_PER_SECOND), MAIL_PER_SECOND);
    const behind16 = await asks(16, " with mail behind");
    const behind64 = await asks(64, " with mail behind");
    const { events, seconds: took } = await mail;
    return {
      figures: {
        ...many,
        onePerSecond: one["eventsPerSecond"] ?? Number.NaN,
        oneP50Ms: one["p50Ms"] ?? Number.NaN,
        oneP99Ms: one["p99Ms"] ?? Number.NaN,
        behindMail16P99Ms: behind16["p99Ms"] ?? Number.NaN,
        behindMailPerSecond: behind64["eventsPerSecond"] ?? Number.NaN,
        behindMailP99Ms: behind64["p99Ms"] ?? Number.NaN,
        mailPerSecond: events / took,
      },
      ceiling: floor,
      ratio: (many["eventsPerSecond"] ?? Number.NaN) / (floor.figures["eventsPerSecond"] ?? Number.NaN),
      floors: [],
    };
  },
};
