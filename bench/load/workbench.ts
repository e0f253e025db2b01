import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { CannedAnswer } from "./floors/http-server.ts";
import type { LoadPlan, LoadResult, RequestMix } from "./load-plan.ts";
import { cpuMicros } from "./process-cpu.ts";
import { Program } from "./program.ts";
import { highestRate, type RateFound } from "./rate-search.ts";
import type { Figures } from "./statistics.ts";

/** What a run measures with; the same for all runs of a scenario. */
export interface LoadSettings {
  readonly ratePerSecond: number;
  /** Length of the measurement at a fixed rate; warming up takes a third of it. */
  readonly seconds: number;
  readonly connections: number;
  readonly listeners: number;
  readonly campaigns: number;
  readonly capPerDay: number;
  /** Actors that the events of W1 and the asks of W2 fall on. */
  readonly keys: number;
  /** Actors on disk before a restart; half the scenario's work is to make them. */
  readonly actors: number;
  /** Shard threads; 0: as many as the daemon starts by itself. */
  readonly shards: number;
}

/** Something that answers HTTP: the daemon, or a floor. */
export interface Target {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  /** The next so many requests. */
  readonly take: (count: number) => Promise<RequestMix>;
}

const FLOORS = {
  "http-parse": new URL("./floors/http-parse.ts", import.meta.url),
  "http-flush": new URL("./floors/http-flush.ts", import.meta.url),
  "bare-flush": new URL("./floors/bare-flush.ts", import.meta.url),
} as const;

/** About what a decision and its listener leave in a commit record. */
const RECORD_BYTES = 1_024;
/** Between two measurements, for what the last one left to be done: folding, shipping, garbage. */
const PAUSE_MS = 500;
const WARM_UP_SHARE = 1 / 3;
/** One step of a search: in a shorter one a hiccup of the machine would decide. */
const STEP_SECONDS = 3;

/** One run's generator and floors, each in a process of its own, and how things are measured with them. */
export class Workbench implements AsyncDisposable {
  readonly settings: LoadSettings;
  readonly #print: (line: string) => void;
  readonly #signal: AbortSignal;
  readonly #generator: Program;
  readonly #folder: string;
  readonly #floors: Program[] = [];

  private constructor(settings: LoadSettings, folder: string, print: (line: string) => void, signal: AbortSignal) {
    this.settings = settings;
    this.#folder = folder;
    this.#print = print;
    this.#signal = signal;
    this.#generator = new Program(new URL("./generator-program.ts", import.meta.url), signal);
  }

  static async open(settings: LoadSettings, print: (line: string) => void, signal: AbortSignal): Promise<Workbench> {
    return new Workbench(settings, await mkdtemp(join(tmpdir(), "chorus-floor-")), print, signal);
  }

  /** Starts an HTTP floor that gives the daemon's own answer. */
  async floor(name: "http-parse" | "http-flush", answer: CannedAnswer, take: Target["take"]): Promise<Target> {
    const program = this.#start(name);
    const folder = await mkdtemp(join(this.#folder, `${name}-`));
    const url = await program.ask<string>({ ...answer, folder, recordBytes: RECORD_BYTES });
    return { name, url, pid: program.pid, take };
  }

  /** Latency and rate of flushes one after the other, on the disk that the daemon uses. */
  async bareFlush(): Promise<Figures> {
    const folder = await mkdtemp(join(this.#folder, "bare-flush-"));
    const seconds = this.settings.seconds * WARM_UP_SHARE;
    const figures = await this.#start("bare-flush").ask<Figures>({ folder, recordBytes: RECORD_BYTES, seconds });
    this.#print(`bare-flush: ${describe(figures)}, ${Math.round(figures["eventsPerSecond"] ?? 0)}/s`);
    return figures;
  }

  /** Latency and CPU at the fixed rate, after warming up at it. */
  async steady(target: Target, ratePerSecond = this.settings.ratePerSecond): Promise<Figures> {
    const { seconds } = this.settings;
    await this.send(target, ratePerSecond, seconds * WARM_UP_SHARE);
    const before = await cpuMicros(target.pid);
    const result = await this.send(target, ratePerSecond, seconds);
    const after = await cpuMicros(target.pid);
    this.#print(`${target.name} at ${ratePerSecond}/s: ${describe(result)}${oddities(result)}`);
    const { p50Ms, p90Ms, p99Ms, p999Ms, maxMs, sendLagP99Ms } = result;
    const cpu = before === null || after === null ? {} : { cpuMicrosPerEvent: (after - before) / result.offered };
    return { p50Ms, p90Ms, p99Ms, p999Ms, maxMs, ...cpu, sendLagP99Ms, adlessShare: adlessShare(result) };
  }

  /** The highest rate that the target holds (`rate-search.ts`). */
  async saturate(target: Target, firstPerSecond: number): Promise<RateFound> {
    const found = await highestRate(Math.round(firstPerSecond), (rate) => this.send(target, rate, STEP_SECONDS));
    this.#print(`${target.name} holds ${found.ratePerSecond}/s; above: ${found.limit}`);
    return found;
  }

  /** One measurement. */
  async send(target: Target, ratePerSecond: number, seconds: number): Promise<LoadResult> {
    const requests = await target.take(Math.max(Math.floor(ratePerSecond * seconds), 1));
    await wait(PAUSE_MS, undefined, { signal: this.#signal });
    const { connections } = this.settings;
    const plan: LoadPlan = { url: target.url, requests, ratePerSecond, seconds, connections };
    return this.#generator.ask<LoadResult>(plan);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#generator, ...this.#floors].map((program) => program[Symbol.asyncDispose]()));
    await rm(this.#folder, { recursive: true, force: true });
  }

  #start(name: keyof typeof FLOORS): Program {
    const program = new Program(FLOORS[name], this.#signal);
    this.#floors.push(program);
    return program;
  }
}

function describe({ p50Ms = 0, p99Ms = 0, maxMs = 0 }: { p50Ms?: number; p99Ms?: number; maxMs?: number }): string {
  return `p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms, max ${maxMs.toFixed(1)} ms`;
}

/** Share of the requests that brought no ad although a bid or an accepted beacon was to be expected. */
function adlessShare({ statuses, offered }: LoadResult): number {
  return 1 - ((statuses["200"] ?? 0) + (statuses["204"] ?? 0)) / offered;
}

function oddities({ statuses, lost }: LoadResult): string {
  const odd = Object.entries(statuses).filter(([status]) => status !== "200" && status !== "204");
  const listed = [...odd.map(([status, count]) => `${count} × ${status}`), ...(lost > 0 ? [`${lost} lost`] : [])];
  return listed.length === 0 ? "" : ` (${listed.join(", ")})`;
}
