import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NatsAccess } from "../../../runtime/threads/nats-access.ts";
import { Program } from "../program.ts";
import type { Figures } from "../statistics.ts";
import type { AskLoad } from "./ask-load.ts";
import type { EventMix } from "./event-stream.ts";
import type { Drained, NodeQuestion } from "./node-questions.ts";
import type { Publication, Published } from "./producer-program.ts";
import type { ProbeAnswer } from "./shard-probe.ts";

export const PARTITIONS = 16;
const STOP_MS = 10_000;

/** A node's actors in a process of their own, on a folder that goes with it, and a producer of mail beside it. */
export class RuntimeNode implements AsyncDisposable {
  readonly #signal: AbortSignal;
  readonly #root: string;
  readonly #producer: Program;
  readonly #shards: number;
  #program: Program;
  #nats: NatsAccess | null = null;
  shards = 0;

  private constructor(root: string, shards: number, signal: AbortSignal) {
    this.#root = root;
    this.#shards = shards;
    this.#signal = signal;
    this.#producer = new Program(new URL("./producer-program.ts", import.meta.url), signal);
    this.#program = this.#spawn();
  }

  /** Data folder and nats-server; `start` begins to consume. */
  static async open(shards: number, signal: AbortSignal): Promise<RuntimeNode> {
    const node = new RuntimeNode(await mkdtemp(join(tmpdir(), "chorus-runtime-")), shards, signal);
    await node.#open();
    return node;
  }

  get nats(): NatsAccess {
    if (this.#nats === null) throw new Error("the node is not open");
    return this.#nats;
  }

  async start(): Promise<void> {
    await this.#ask({ do: "start" });
  }

  /** Publishes mail: the more events of the same mix, the later calls go on where the last ended. */
  publish(mix: EventMix, events: number, ratePerSecond: number | null = null): Promise<Published> {
    const publication: Publication = { nats: this.nats, partitions: PARTITIONS, mix, events, ratePerSecond };
    return this.#producer.ask<Published>(publication);
  }

  drained(events: number, outputs: number): Promise<Drained> {
    return this.#ask({ do: "drained", events, outputs });
  }

  asks(load: AskLoad): Promise<Figures> {
    return this.#ask({ do: "asks", ...load });
  }

  consults(seconds: number): Promise<number> {
    return this.#ask({ do: "consults", seconds });
  }

  outputs(): Promise<number> {
    return this.#ask({ do: "outputs" });
  }

  /** Alarms that come due from a time on, at an even pace. */
  setAlarms(alarms: number, firstDueMs: number, everyMs: number): Promise<void> {
    return this.#ask({ do: "set-alarms", alarms, firstDueMs, everyMs });
  }

  /** How late they rang. Rejects when one did not ring exactly once. */
  readAlarms(alarms: number): Promise<Figures> {
    return this.#ask({ do: "read-alarms", alarms });
  }

  probe(reset: boolean, collect = false): Promise<readonly ProbeAnswer[]> {
    return this.#ask({ do: "probe", reset, collect });
  }

  resident(): Promise<number> {
    return this.#ask({ do: "resident" });
  }

  /** Ends the process as a power cut would, and begins anew on what it left. */
  async killAndReopen(): Promise<void> {
    process.kill(this.#program.pid, "SIGKILL");
    await this.#program[Symbol.asyncDispose]();
    this.#program = this.#spawn();
    await this.#open();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const stopped = this.#ask({ do: "stop" }).catch(() => undefined);
    const timer = setTimeout(() => process.kill(this.#program.pid, "SIGKILL"), STOP_MS);
    await stopped;
    clearTimeout(timer);
    await Promise.all([this.#program[Symbol.asyncDispose](), this.#producer[Symbol.asyncDispose]()]);
    await rm(this.#root, { recursive: true, force: true });
  }

  async #open(): Promise<void> {
    const folder = join(this.#root, "data");
    const opened = await this.#ask<{ nats: NatsAccess; shards: number }>({
      do: "open",
      folder,
      shards: this.#shards,
      partitions: PARTITIONS,
    });
    this.#nats = opened.nats;
    this.shards = opened.shards;
  }

  #spawn(): Program {
    return new Program(new URL("./node-program.ts", import.meta.url), this.#signal);
  }

  #ask<Answer>(question: NodeQuestion): Promise<Answer> {
    return this.#program.ask<Answer>(question);
  }
}
