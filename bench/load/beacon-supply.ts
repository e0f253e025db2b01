import type { RequestMix } from "./load-plan.ts";
import type { Target, Workbench } from "./workbench.ts";

const BEACONS_A_BID = 2;
/** Rounds of bids that one call may take, should some bring none. */
const ROUNDS_MAX = 20;

/** Beacons that were never sent: each counts once, so bids are made for them first. */
export class BeaconSupply {
  readonly #bench: Workbench;
  readonly #daemon: Pick<Target, "url" | "pid">;
  #paths: string[] = [];
  #listener = 0;

  constructor(bench: Workbench, daemon: Pick<Target, "url" | "pid">) {
    this.#bench = bench;
    this.#daemon = daemon;
  }

  /** @returns so many beacons: impression and start of a bid after each other, as players send them. */
  async take(count: number): Promise<RequestMix> {
    const { ratePerSecond, listeners } = this.#bench.settings;
    for (let round = 0; this.#paths.length < count; round++) {
      if (round === ROUNDS_MAX)
        throw new Error(`${this.#paths.length} of ${count} beacons after ${round} rounds of bids`);
      const bids = Math.max(Math.ceil((count - this.#paths.length) / BEACONS_A_BID), 1);
      const first = this.#listener % listeners;
      this.#listener += bids;
      const take: Target["take"] = () => Promise.resolve({ kind: "bids", listeners, first, collect: true });
      const { beacons } = await this.#bench.send(
        { name: "bids", url: this.#daemon.url, pid: this.#daemon.pid, take },
        ratePerSecond,
        bids / ratePerSecond,
      );
      this.#paths.push(...beacons);
    }
    const paths = this.#paths.slice(0, count);
    this.#paths = this.#paths.slice(count);
    return { kind: "beacons", paths };
  }
}
