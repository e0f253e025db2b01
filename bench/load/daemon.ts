import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { bidRequest, bidTemplate } from "./bid-requests.ts";
import { campaignDocuments, type CampaignSet } from "./campaigns.ts";

/** What the ready file says (interfaces.md 1). */
interface ReadyFile {
  readonly http: string;
  readonly admin: string;
  readonly adminToken: string;
}

const READY_MS = 60_000;
const SERVING_MS = 60_000;
const STOP_MS = 15_000;
const LOOK_MS = 50;
/** Gateways report their counts every second. */
const METRICS_MS = 1_200;
/** Grants reach the partitions' wallets by mail: served means this many listeners in a row, of all partitions, got an ad. */
const SERVED_IN_A_ROW = 64;
const STDERR_KEPT = 4_000;

/** The real daemon as a child process on an empty folder: `chorus start`, as its users start it, with a managed nats-server. */
export class Daemon implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #signal: AbortSignal;
  readonly #exited: Promise<string>;
  #end: string | null = null;
  #stderr = "";
  #ready: ReadyFile = { http: "", admin: "", adminToken: "" };

  private constructor(folder: string, signal: AbortSignal) {
    this.#folder = folder;
    this.#signal = signal;
    const chorus = fileURLToPath(new URL("../../runtime/cli/chorus.ts", import.meta.url));
    const options = ["--http", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--log-level", "warn", "--no-examples"];
    const args = [
      chorus,
      "start",
      "--data",
      join(folder, "data"),
      "--ready-file",
      join(folder, "ready.json"),
      ...options,
    ];
    this.#child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
    this.#child.stderr?.on("data", (chunk: Buffer) => {
      this.#stderr = `${this.#stderr}${chunk.toString()}`.slice(-STDERR_KEPT);
    });
    this.#exited = new Promise((resolve) => {
      this.#child.once("exit", (code, signal) => {
        this.#end = `code ${code}, signal ${signal}`;
        resolve(this.#end);
      });
    });
  }

  /** Resolves when the node serves. Rejects, with what it wrote to stderr, when it ends first or takes over a minute. */
  static async start(signal: AbortSignal): Promise<Daemon> {
    const daemon = new Daemon(await mkdtemp(join(tmpdir(), "chorus-bench-")), signal);
    try {
      daemon.#ready = await daemon.#whenReady();
      return daemon;
    } catch (error) {
      await daemon[Symbol.asyncDispose]();
      throw error;
    }
  }

  get url(): string {
    return this.#ready.http;
  }

  /** The gateways' own latency histogram of a route so far: counts by upper bound in milliseconds, cumulative. */
  async latencyCounts(route: string): Promise<ReadonlyMap<number, number>> {
    await wait(METRICS_MS);
    const text = await this.admin("/metrics");
    const counts = new Map<number, number>();
    for (const line of text.split("\n")) {
      const found = /^chorus_http_duration_seconds_bucket\{route="([^"]*)",le="([^"]*)"\} (\d+)$/.exec(line);
      if (found?.[1] === route) counts.set(found[2] === "+Inf" ? Infinity : Number(found[2]) * 1_000, Number(found[3]));
    }
    return counts;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Applies the campaigns and waits until listeners of all partitions get ads. @returns the body of one bid response. */
  async load(set: CampaignSet): Promise<string> {
    for (const document of campaignDocuments(set)) await this.apply(document);
    return this.#whenServing();
  }

  /** @throws Error for a document that is refused. */
  async apply(document: object): Promise<void> {
    await this.admin("/v1/apply", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(document),
    });
  }

  /** Asks the admin API. @returns the answer's text. @throws Error when it is no success. */
  async admin(path: string, request: RequestInit = {}): Promise<string> {
    const headers = { ...request.headers, authorization: `Bearer ${this.#ready.adminToken}` };
    const response = await fetch(`${this.#ready.admin}${path}`, { ...request, headers, signal: this.#signal });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text.slice(0, 500)}`);
    return text;
  }

  async #whenReady(): Promise<ReadyFile> {
    const deadlineMs = performance.now() + READY_MS;
    while (performance.now() < deadlineMs) {
      if (this.#end !== null) throw new Error(`the daemon ended before it served (${this.#end}):\n${this.#stderr}`);
      const text = await readFile(join(this.#folder, "ready.json"), "utf8").catch(() => null);
      if (text !== null) return JSON.parse(text) as ReadyFile;
      await wait(LOOK_MS, undefined, { signal: this.#signal });
    }
    throw new Error(`the daemon did not serve within ${READY_MS} ms:\n${this.#stderr}`);
  }

  async #whenServing(): Promise<string> {
    const template = await bidTemplate();
    const deadlineMs = performance.now() + SERVING_MS;
    let served = 0;
    let last = "";
    for (let listener = 0; performance.now() < deadlineMs; listener++) {
      const response = await fetch(`${this.url}/openrtb2/2.6/bid`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(probeRequest(template, listener)),
      });
      const body = await response.text();
      last = `${response.status}, no-bid reason ${response.headers.get("x-chorus-nbr")}`;
      served = response.status === 200 ? served + 1 : 0;
      if (served === SERVED_IN_A_ROW) return body;
      if (served === 0) await wait(LOOK_MS, undefined, { signal: this.#signal });
    }
    throw new Error(
      `no ${SERVED_IN_A_ROW} bids in a row within ${SERVING_MS} ms; the last answer: ${last}\n${this.#stderr}`,
    );
  }

  /** Drains by SIGTERM, as operators stop it, and removes its folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#end === null) this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MS);
    await this.#exited;
    clearTimeout(timer);
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** A listener that the load does not use: it must find its listeners as new as they are. */
function probeRequest(template: unknown, listener: number): object {
  const request = bidRequest(template, listener) as object;
  return { ...request, user: { id: `bench-probe-${listener}` } };
}
