import { Program } from "../program.ts";
import type { Figures } from "../statistics.ts";
import type { LoadSettings } from "../workbench.ts";
import { figureOf, type Goal, type Run, type Scenario } from "./scenario.ts";

const CAMPAIGNS = 1_000;
const MANY_CAMPAIGNS = 10_000;

const GOALS: readonly Goal[] = [
  {
    id: "R12",
    text: "CPU of a decision among 1,000 campaigns, µs ≤ 125",
    figure: figureOf("cpuMicrosPerEvent"),
    bound: () => 125,
    better: "below",
  },
  {
    id: "R12",
    text: "its p50, ms ≤ .5",
    figure: figureOf("p50Ms"),
    bound: () => 0.5,
    better: "below",
  },
  {
    id: "R12",
    text: "CPU among 10,000 campaigns ≤ 1.3 × that among 1,000",
    figure: figureOf("manyCpuMicros"),
    bound: (run) => 1.3 * figureOf("cpuMicrosPerEvent")(run),
    better: "below",
  },
];

interface Decided {
  readonly chorus: Figures;
  readonly codec: Figures;
}

/** The decision by itself: kernel, listener's actor and commit record, in one thread. */
export const decisionsCore: Scenario = {
  name: "decisions-core",
  parameters: ["seconds", "listeners", "capPerDay"],
  goals: GOALS,
  async run(settings, print, signal): Promise<Run> {
    const { chorus, codec } = await decide(settings, CAMPAIGNS, signal);
    const many = (await decide(settings, MANY_CAMPAIGNS, signal)).chorus;
    const micros = (figures: Figures): string => (figures["cpuMicrosPerEvent"] ?? Number.NaN).toFixed(0);
    print(`${CAMPAIGNS} campaigns: ${micros(chorus)} µs CPU a decision; ${MANY_CAMPAIGNS}: ${micros(many)} µs`);
    return {
      figures: {
        ...chorus,
        manyCpuMicros: many["cpuMicrosPerEvent"] ?? Number.NaN,
        manyP50Ms: many["p50Ms"] ?? Number.NaN,
        manyBidShare: many["bidShare"] ?? Number.NaN,
      },
      ceiling: { name: "codec", figures: codec },
      ratio: (chorus["eventsPerSecond"] ?? Number.NaN) / (codec["eventsPerSecond"] ?? Number.NaN),
      floors: [],
    };
  },
};

async function decide(
  { seconds, listeners, capPerDay }: LoadSettings,
  campaigns: number,
  signal: AbortSignal,
): Promise<Decided> {
  await using program = new Program(new URL("../runtime/decisions-program.ts", import.meta.url), signal);
  return await program.ask<Decided>({ campaigns, capPerDay, listeners, seconds: seconds / 2 });
}
