import { BeaconSupply } from "../beacon-supply.ts";
import { Daemon } from "../daemon.ts";
import { type Target, Workbench } from "../workbench.ts";
import { floorFigure, type Goal, type Run, type Scenario } from "./scenario.ts";

const FLOOR_START = 20;
const ACCEPTED = { status: 204, body: "" };

const GOALS: readonly Goal[] = [
  {
    id: "R14",
    text: "beacons accepted durably ≥ 50 % of bare HTTP",
    figure: ({ figures }) => figures["eventsPerSecond"] ?? Number.NaN,
    bound: (run) => 0.5 * floorFigure(run, "http-parse", "eventsPerSecond"),
    better: "above",
  },
];

/** Impression and start beacons of bids made before: latency at a fixed rate, and the highest rate accepted. */
export const eventsIngest: Scenario = {
  name: "events-ingest",
  parameters: ["seconds", "ratePerSecond", "listeners", "campaigns", "capPerDay", "connections"],
  goals: GOALS,
  async run(settings, print, signal): Promise<Run> {
    await using bench = await Workbench.open(settings, print, signal);
    await using daemon = await Daemon.start(signal);
    await daemon.load(settings);
    const supply = new BeaconSupply(bench, daemon);
    const [sample = ""] = await samplePaths(supply);
    // What a floor is asked is as long, but need not be new.
    const again: Target["take"] = (count) =>
      Promise.resolve({ kind: "beacons", paths: Array.from({ length: count }, () => sample) });
    const parse = await bench.floor("http-parse", ACCEPTED, again);
    const flush = await bench.floor("http-flush", ACCEPTED, again);
    const chorus: Target = {
      name: "chorus",
      url: daemon.url,
      pid: daemon.pid,
      take: (count) => supply.take(count),
    };

    const bareFlush = await bench.bareFlush();
    const parseSteady = await bench.steady(parse);
    const flushSteady = await bench.steady(flush);
    const steady = await bench.steady(chorus);

    const start = settings.ratePerSecond;
    const parseHeld = await bench.saturate(parse, start * FLOOR_START);
    const flushHeld = await bench.saturate(flush, start * FLOOR_START);
    const held = await bench.saturate(chorus, start);
    return {
      figures: { eventsPerSecond: held.ratePerSecond, ...steady },
      ceiling: { name: parse.name, figures: { eventsPerSecond: parseHeld.ratePerSecond, ...parseSteady } },
      ratio: held.ratePerSecond / parseHeld.ratePerSecond,
      floors: [
        { name: flush.name, figures: { eventsPerSecond: flushHeld.ratePerSecond, ...flushSteady } },
        { name: "bare-flush", figures: bareFlush },
      ],
    };
  },
};

async function samplePaths(supply: BeaconSupply): Promise<readonly string[]> {
  const mix = await supply.take(1);
  return mix.kind === "beacons" ? mix.paths : [];
}
