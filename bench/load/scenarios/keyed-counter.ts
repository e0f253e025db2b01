import type { EventMix } from "../runtime/event-stream.ts";
import { PARTITIONS, RuntimeNode } from "../runtime/runtime-node.ts";
import type { LoadSettings } from "../workbench.ts";
import { floorOf } from "./floors.ts";
import { figureOf, type FloorFigures, floorFigure, type Goal, type Run, type Scenario } from "./scenario.ts";

/** Events of a run for each second that it is to take. */
const EVENTS_A_SECOND = 150_000;
/** Keys of the cold workload for each key of the others. */
const COLD_FACTOR = 10;
const BUSY_SHARE = 0.7;
/** What the state of W1 weighs by itself: an object of three fields and a list of eight numbers, measured alone on a heap. */
const STATE_BYTES = 328;

const against = (name: string) => (run: Run) => floorFigure(run, name, "eventsPerSecond");
const share = (id: string, text: string, figure: string, least: number): Goal => ({
  id,
  text,
  figure: figureOf(figure),
  bound: (run) => least * against("raw-consume")(run),
  better: "above",
});

const GOALS: readonly Goal[] = [
  share("R1", "Zipf, folded ≥ .15 × raw consume", "eventsPerSecond", 0.15),
  share("R2", "uniform, folded ≥ .10 × raw consume", "uniformPerSecond", 0.1),
  share("R2", "uniform over ten times the keys, folded ≥ .06 × raw consume", "coldPerSecond", 0.06),
  {
    id: "R7",
    text: "heap a resident actor beyond its state, bytes ≤ 400",
    figure: figureOf("bytesPerActor"),
    bound: () => 400,
    better: "below",
  },
  {
    id: "R9",
    text: "shard's event loop at 70 % load, p99.9 ≤ 25 ms",
    figure: figureOf("loopP999Ms"),
    bound: () => 25,
    better: "below",
  },
  {
    id: "R10",
    text: "CPU an event of two shards ≤ 1.15 × that of one",
    figure: figureOf("twoShardsCpuMicros"),
    bound: (run) => 1.15 * figureOf("oneShardCpuMicros")(run),
    better: "below",
  },
];

interface Measured {
  readonly foldedPerSecond: number;
  readonly ackedPerSecond: number;
  readonly cpuMicros: number;
  readonly recordBytesPerEvent: number;
  readonly eventsPerGroup: number;
}

/** W1: events by mail to keyed actors with durable state and outputs, exactly once in effect, from a backlog until all is folded. */
export const keyedCounter: Scenario = {
  name: "keyed-counter",
  parameters: ["seconds", "keys", "shards"],
  goals: GOALS,
  async run(settings, print, signal): Promise<Run> {
    const events = settings.seconds * EVENTS_A_SECOND;
    const { keys } = settings;
    const floors: FloorFigures[] = [];
    const zipfMix: EventMix = { keys, skew: "zipf", seed: 1 };
    const measure = (mix: EventMix, shards: number, more?: After): Promise<Measured> =>
      consume({ mix, events, shards, print, signal, floors }, more);
    const busy: Record<string, number> = {};
    let few: Heap = { bytes: Number.NaN, actors: Number.NaN };
    const zipf = await measure(zipfMix, settings.shards, async (node, { foldedPerSecond }) => {
      few = await heapOf(node);
      const ratePerSecond = Math.round(foldedPerSecond * BUSY_SHARE);
      await node.probe(true);
      await node.publish(zipfMix, Math.round((ratePerSecond * settings.seconds) / 2), ratePerSecond);
      busy["loopP999Ms"] = Math.max(...(await node.probe(true)).map(({ loopP999Ms }) => loopP999Ms));
    });
    const uniform = await measure({ ...zipfMix, skew: "uniform" }, settings.shards);
    const cold = await measure(
      { keys: keys * COLD_FACTOR, skew: "uniform", seed: 1 },
      settings.shards,
      async (node) => {
        const many = await heapOf(node);
        busy["bytesPerActor"] = (many.bytes - few.bytes) / (many.actors - few.actors) - STATE_BYTES;
      },
    );
    const one = await measure(zipfMix, 1);
    const two = await measure(zipfMix, 2);
    floors.push(await storeFloor(zipf, settings, signal));
    const [ceiling = NOTHING, ...others] = floors;
    return {
      figures: {
        eventsPerSecond: zipf.foldedPerSecond,
        ackedPerSecond: zipf.ackedPerSecond,
        cpuMicrosPerEvent: zipf.cpuMicros,
        uniformPerSecond: uniform.foldedPerSecond,
        uniformCpuMicros: uniform.cpuMicros,
        coldPerSecond: cold.foldedPerSecond,
        coldCpuMicros: cold.cpuMicros,
        oneShardCpuMicros: one.cpuMicros,
        oneShardPerSecond: one.foldedPerSecond,
        twoShardsCpuMicros: two.cpuMicros,
        twoShardsPerSecond: two.foldedPerSecond,
        recordBytesPerEvent: zipf.recordBytesPerEvent,
        eventsPerGroup: zipf.eventsPerGroup,
        ...busy,
      },
      ceiling,
      ratio: zipf.foldedPerSecond / (ceiling.figures["eventsPerSecond"] ?? Number.NaN),
      floors: others,
    };
  },
};

interface Heap {
  readonly bytes: number;
  readonly actors: number;
}

/** Heaps of all shards after a collection, and the actors in them: the difference of two leaves the code out. */
async function heapOf(node: RuntimeNode): Promise<Heap> {
  const bytes = (await node.probe(false, true)).reduce((sum, { heapBytes }) => sum + heapBytes, 0);
  return { bytes, actors: await node.resident() };
}

const NOTHING: FloorFigures = { name: "raw-consume", figures: {} };

type After = (node: RuntimeNode, measured: Measured) => Promise<void>;

interface Load {
  readonly mix: EventMix;
  readonly events: number;
  readonly shards: number;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
  /** Gets what was measured of publishing and consuming, the first time. */
  readonly floors: FloorFigures[];
}

/** A fresh node with a backlog of mail, until everything is folded. Rejects when an output is missing or too many. */
async function consume({ mix, events, shards, print, signal, floors }: Load, more?: After): Promise<Measured> {
  await using node = await RuntimeNode.open(shards, signal);
  const published = await node.publish(mix, events);
  if (floors.length === 0) {
    floors.push(await floorOf("raw-consume", { nats: node.nats, partitions: PARTITIONS, events }, signal));
    floors.push({ name: "raw-publish", figures: { eventsPerSecond: events / published.seconds } });
  }
  await node.start();
  const drained = await node.drained(events, published.outputs);
  const cpuMicros = drained.cpuMicros / drained.events;
  const outputs = await node.outputs();
  if (outputs !== published.outputs) throw new Error(`${outputs} outputs of ${published.outputs} took effect`);
  const measured = {
    foldedPerSecond: drained.events / drained.foldedSeconds,
    ackedPerSecond: drained.events / drained.ackedSeconds,
    cpuMicros,
    recordBytesPerEvent: drained.logBytes / events,
    eventsPerGroup: events / drained.groups,
  };
  print(
    `${mix.skew} over ${mix.keys}, ${node.shards} shard(s): ${Math.round(measured.foldedPerSecond)}/s folded, ` +
      `${Math.round(measured.ackedPerSecond)}/s acked, ${cpuMicros.toFixed(2)} µs CPU an event, ${outputs} outputs once`,
  );
  await more?.(node, measured);
  return measured;
}

async function storeFloor(zipf: Measured, settings: LoadSettings, signal: AbortSignal): Promise<FloorFigures> {
  const { recordBytesPerEvent: bytesAnEvent, eventsPerGroup } = zipf;
  const question = {
    bytesAnEvent,
    eventsAGroup: Math.max(1, Math.round(eventsPerGroup)),
    seconds: settings.seconds / 3,
  };
  return floorOf("raw-store", question, signal);
}
