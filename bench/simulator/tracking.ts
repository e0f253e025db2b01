import { type DrawKey, PURPOSE, uniform } from "./counter-draws.ts";
import type { World } from "./world-file.ts";

export const DAY_MS = 86_400_000;

/** What of the ads' tracking arrives. */
export class Tracking {
  readonly #lossShare: number;
  readonly #outages: World["tracking"]["outages"];

  constructor(world: World["tracking"]) {
    this.#lossShare = world.lossShare;
    this.#outages = world.outages;
  }

  /** Whether the tracking of the ad at a position of a break is lost, with all that follows from it. */
  lost(key: DrawKey, counter: number, position: number): boolean {
    return this.#lossShare > 0 && uniform(key, counter, PURPOSE.lost + position) < this.#lossShare;
  }

  /** Whether something reported at this time arrives. */
  arrives(atMs: number): boolean {
    const day = Math.floor(atMs / DAY_MS);
    return !this.#outages.some((outage) => day >= outage.fromDay && day < outage.fromDay + outage.days);
  }
}
