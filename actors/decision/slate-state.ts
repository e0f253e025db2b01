import { type SlateAd, type SlateOption, type SlatePlace, type SlateProblem, TIERS } from "./slate.ts";

/** What a search has placed so far, and what that leaves. Owns the hard rules of an answer: S2, S3, campaigns' bounds, pairs kept apart. */
export class SlateState {
  /** By tier. */
  readonly worth: number[] = new Array<number>(TIERS).fill(0);
  readonly picks: (SlateOption | null)[] = [];
  readonly leftMs: number[];
  /** Some pair is kept apart for a few ads only. */
  sawReach = false;
  readonly #problem: SlateProblem;
  readonly #leftNanos: number[];
  readonly #leftAds: number[];
  readonly #used = new Map<string, number>();
  readonly #isOnePod: boolean;

  constructor(problem: SlateProblem) {
    this.#problem = problem;
    this.leftMs = [...problem.impDurationsMs];
    this.#leftNanos = problem.campaigns.map(({ freeNanos }) => freeNanos);
    this.#leftAds = problem.campaigns.map(({ adsMax }) => adsMax);
    this.#isOnePod = new Set(problem.places.map(({ pod }) => pod)).size === 1;
  }

  ad(ad: number): SlateAd {
    const found = this.#problem.ads[ad];
    if (found === undefined) throw new RangeError(`there is no ad ${ad}`);
    return found;
  }

  fits({ ad, priceNanos }: SlateOption, place: SlatePlace, at: number): boolean {
    const { line, durationMs, campaign } = this.ad(ad);
    if (at === 0 && this.#problem.excluded.has(line)) return false;
    if (durationMs > (this.leftMs[place.imp] ?? Infinity)) return false;
    if ((this.#leftNanos[campaign] ?? 0) < priceNanos) return false;
    return !this.#isUsedUp(ad) && !this.#isKeptOut(ad, place, at);
  }

  put(option: SlateOption, place: SlatePlace, at: number): void {
    this.picks[at] = option;
    this.#count(option, place, 1);
  }

  take(option: SlateOption, place: SlatePlace, at: number): void {
    this.picks[at] = null;
    this.#count(option, place, -1);
  }

  /** Whether no later place can have this ad, as far as that is known cheaply. */
  isGone(ad: number, at: number): boolean {
    if (this.#isUsedUp(ad)) return true;
    if (!this.#isOnePod) return false;
    for (let before = 0; before < at; before++) {
      const earlier = this.picks[before];
      if (earlier !== null && earlier !== undefined && this.#problem.keepsOut(earlier.ad, ad, true) === Infinity)
        return true;
    }
    return false;
  }

  #isUsedUp(ad: number): boolean {
    const { campaign, marks } = this.ad(ad);
    if ((this.#leftAds[campaign] ?? 0) < 1) return true;
    for (const mark of marks) if ((this.#used.get(mark) ?? 0) > 0) return true;
    return false;
  }

  #isKeptOut(ad: number, place: SlatePlace, at: number): boolean {
    let distance = 0;
    for (let before = at - 1; before >= 0; before--) {
      const earlier = this.picks[before];
      const of = this.#problem.places[before];
      if (earlier === null || earlier === undefined || of === undefined) continue;
      distance += 1;
      const reach = this.#problem.keepsOut(earlier.ad, ad, of.pod === place.pod);
      if (reach > 0 && reach !== Infinity) this.sawReach = true;
      if (reach >= distance) return true;
    }
    return false;
  }

  #count({ ad, tier, nanos, priceNanos }: SlateOption, { imp }: SlatePlace, sign: 1 | -1): void {
    const { campaign, durationMs, marks } = this.ad(ad);
    this.worth[tier] = (this.worth[tier] ?? 0) + sign * nanos;
    this.leftMs[imp] = (this.leftMs[imp] ?? Infinity) - sign * durationMs;
    this.#leftNanos[campaign] = (this.#leftNanos[campaign] ?? 0) - sign * priceNanos;
    this.#leftAds[campaign] = (this.#leftAds[campaign] ?? 0) - sign;
    for (const mark of marks) this.#used.set(mark, (this.#used.get(mark) ?? 0) + sign);
  }
}
