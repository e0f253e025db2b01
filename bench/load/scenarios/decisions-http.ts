import { Daemon } from "../daemon.ts";
import { histogramDifference, quantileOf } from "../server-latency.ts";
import { type Target, Workbench } from "../workbench.ts";
import { floorFigure, type Goal, type Run, type Scenario } from "./scenario.ts";

/** Share of the highest rate held at which latency is measured again (R13). */
const BUSY_SHARE = 0.7;
/** Floors are much faster: their search begins higher. */
const FLOOR_START = 20;
const BID_ROUTE = "/openrtb2/2.6/bid";

const GOALS: readonly Goal[] = [
  {
    id: "4e",
    text: "server p99 at the fixed rate ≤ 3 × p99 of a bare flush + 5 ms",
    figure: ({ figures }) => figures["serverP99Ms"] ?? Number.NaN,
    bound: (run) => 3 * floorFigure(run, "bare-flush", "p99Ms") + 5,
    better: "below",
  },
  ...(["p50Ms", "p99Ms"] as const).map((figure): Goal => ({
    id: "R13",
    text: `${figure.slice(0, 3)} at 70 % of the highest rate ≤ 3 × that of a bare flush + 2 ms`,
    figure: ({ figures }) => figures[`busy${figure.replace("p", "P")}`] ?? Number.NaN,
    bound: (run) => 3 * floorFigure(run, "bare-flush", figure) + 2,
    better: "below",
  })),
  {
    id: "R13",
    text: "highest rate ≥ 40 % of bare HTTP",
    figure: ({ figures }) => figures["eventsPerSecond"] ?? Number.NaN,
    bound: (run) => 0.4 * floorFigure(run, "http-parse", "eventsPerSecond"),
    better: "above",
  },
];

/** Bids over HTTP, each for one of many listeners: latency at a fixed rate, and the highest rate held. */
export const decisionsHttp: Scenario = {
  name: "decisions-http",
  parameters: ["seconds", "ratePerSecond", "listeners", "campaigns", "capPerDay", "connections"],
  goals: GOALS,
  async run(settings, print, signal): Promise<Run> {
    await using bench = await Workbench.open(settings, print, signal);
    await using daemon = await Daemon.start(signal);
    const body = await daemon.load(settings);
    let sent = 0;
    const take: Target["take"] = (count) => {
      const first = sent % settings.listeners;
      sent += count;
      return Promise.resolve({ kind: "bids", listeners: settings.listeners, first, collect: false });
    };
    const parse = await bench.floor("http-parse", { status: 200, body }, take);
    const flush = await bench.floor("http-flush", { status: 200, body }, take);
    const chorus: Target = { name: "chorus", url: daemon.url, pid: daemon.pid, take };

    const bareFlush = await bench.bareFlush();
    const parseSteady = await bench.steady(parse);
    const flushSteady = await bench.steady(flush);
    // The server's histogram cannot leave its warm-up out: it is read when a first run has warmed everything.
    await bench.steady(chorus);
    const before = await daemon.latencyCounts(BID_ROUTE);
    const steady = await bench.steady(chorus);
    const served = histogramDifference(before, await daemon.latencyCounts(BID_ROUTE));

    const start = settings.ratePerSecond;
    const parseHeld = await bench.saturate(parse, start * FLOOR_START);
    const flushHeld = await bench.saturate(flush, start * FLOOR_START);
    const held = await bench.saturate(chorus, start);
    const busy = await bench.steady(chorus, Math.max(1, Math.round(held.ratePerSecond * BUSY_SHARE)));
    return {
      figures: {
        eventsPerSecond: held.ratePerSecond,
        ...steady,
        serverP50Ms: quantileOf(served, 0.5),
        serverP99Ms: quantileOf(served, 0.99),
        busyP50Ms: busy["p50Ms"] ?? Number.NaN,
        busyP99Ms: busy["p99Ms"] ?? Number.NaN,
        busyCpuMicrosPerEvent: busy["cpuMicrosPerEvent"] ?? Number.NaN,
      },
      ceiling: { name: parse.name, figures: { eventsPerSecond: parseHeld.ratePerSecond, ...parseSteady } },
      ratio: held.ratePerSecond / parseHeld.ratePerSecond,
      floors: [
        { name: flush.name, figures: { eventsPerSecond: flushHeld.ratePerSecond, ...flushSteady } },
        { name: "bare-flush", figures: bareFlush },
      ],
    };
  },
};
