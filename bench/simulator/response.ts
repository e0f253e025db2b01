import { childKey, type DrawKey, lognormal, normal, PURPOSE, uniform } from "./counter-draws.ts";
import { OPEN_MARKET, type PlannedAd } from "./policy.ts";
import type { World } from "./world-file.ts";

const HOUR_MS = 3_600_000;
const SHORTEST_DELAY_MS = 60_000;
/** Beside the listeners' numbers in the tree of draws. */
const CREATIVES_BRANCH = -2;

/** What an ad brings: response by creative, genre and platform, and how late it shows. Informed oracles may ask it; policies may not. */
export class Response {
  readonly #world: World["response"];
  readonly #campaigns: World["campaigns"];
  readonly #branch: DrawKey;

  constructor(world: World, root: DrawKey) {
    this.#world = world.response;
    this.#campaigns = world.campaigns;
    this.#branch = childKey(root, CREATIVES_BRANCH);
  }

  /**
   * Factor on the average listener's response to a creative, of mean 1 over creatives: campaign × creative on this platform × creative
   * with this genre. The creative's effect on a platform is √ρ of one it has everywhere and √(1 − ρ) of its own there.
   */
  effect(campaign: number, creative: number, platform: number, genre: number): number {
    if (campaign === OPEN_MARKET) return 1;
    const { creativeLogSd, creativePlatformCorrelation, creativeGenreLogSd } = this.#world;
    const key = childKey(childKey(this.#branch, campaign), creative);
    const everywhere = normal(key, 0, 1);
    const here = normal(key, 1 + platform, 1);
    const mixed =
      Math.sqrt(creativePlatformCorrelation) * everywhere + Math.sqrt(1 - creativePlatformCorrelation) * here;
    const onPlatform = Math.exp(creativeLogSd * mixed - (creativeLogSd * creativeLogSd) / 2);
    return this.#campaigns[campaign]!.responseFactor * onPlatform * lognormal(key, 1 + genre, 3, creativeGenreLogSd);
  }

  /** Chance of one kind of response to an ad, at most 1. */
  chance(kind: "visit" | "purchase", ad: PlannedAd, platform: number, genre: number): number {
    const base = kind === "visit" ? this.#world.visitShare : this.#world.purchaseShare;
    const length = ad.lengthSeconds === 30 ? 1 : this.#world.shortAdShare;
    return Math.min(1, base * length * this.effect(ad.campaign, ad.creative, platform, genre));
  }

  /** Time from the end of the ad to its response: uniform in the logarithm between two entries of the table. */
  delayMs(key: DrawKey, counter: number, position: number, kind: "visit" | "purchase"): number {
    const at = uniform(key, counter, (kind === "visit" ? PURPOSE.visitDelay : PURPOSE.purchaseDelay) + position);
    let fromMs = SHORTEST_DELAY_MS;
    let fromShare = 0;
    for (const { withinHours, cumulativeShare } of this.#world.delays) {
      const toMs = withinHours * HOUR_MS;
      if (at <= cumulativeShare)
        return Math.round(fromMs * (toMs / fromMs) ** ((at - fromShare) / (cumulativeShare - fromShare)));
      [fromMs, fromShare] = [toMs, cumulativeShare];
    }
    return Math.round(fromMs);
  }

  /** Whether the listener heard the ad to its end. @param weariness sensitivity × fast fatigue. */
  completed(key: DrawKey, counter: number, position: number, weariness: number): boolean {
    const { completionShare, completionDropPerFastAd } = this.#world;
    return uniform(key, counter, PURPOSE.completion + position) < completionShare - completionDropPerFastAd * weariness;
  }
}
