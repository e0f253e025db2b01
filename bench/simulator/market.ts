import { type DrawKey, lognormal, PURPOSE, uniform } from "./counter-draws.ts";
import { type Demand, OPEN_MARKET, POD_ADS_MAX } from "./policy.ts";
import { seasonAt } from "./season.ts";
import type { World } from "./world-file.ts";

const ADS_TABLED = 256;
const DRAWS_PER_CAMPAIGN = 3;

/** Where and when the slot is, as far as prices depend on it. */
export interface SlotPlace {
  readonly sessionKey: DrawKey;
  readonly track: number;
  readonly day: number;
  readonly platform: number;
  readonly genre: number;
  readonly daypart: number;
  readonly adsToday: number;
}

type Campaign = World["campaigns"][number];

/** What a slot is worth and who bids for it: base × lognormal × daypart × genre × season × (1 + ads today)^−exponent. */
export class Market implements Demand {
  readonly #world: World;
  readonly #repetition: readonly number[];
  readonly #targets: readonly { readonly platforms: readonly boolean[]; readonly genres: readonly boolean[] }[];
  /** Listeners of the run, which budgets go by. */
  readonly #thousands: number;
  #place: SlotPlace | null = null;
  /** Micros of a 30 s ad in the slot at hand, before repetition, fill and campaign. */
  #worthMicros = 0;

  constructor(world: World, listeners: number) {
    this.#world = world;
    this.#thousands = listeners / 1_000;
    const exponent = world.openMarket.repetitionExponent;
    this.#repetition = Array.from({ length: ADS_TABLED + POD_ADS_MAX }, (_, ads) => (1 + ads) ** -exponent);
    this.#targets = world.campaigns.map((campaign) => ({
      platforms: wanted(world.population.platforms, campaign.platforms),
      genres: wanted(world.population.genres, campaign.genres),
    }));
  }

  /** Turns to another slot; prices are of that one from here on. */
  open(place: SlotPlace): void {
    const { openMarket, population, sessions } = this.#world;
    this.#place = place;
    this.#worthMicros =
      (openMarket.cpmMicros / 1_000) *
      lognormal(place.sessionKey, place.track, PURPOSE.slotValue, openMarket.valueLogSd) *
      population.genres[place.genre]!.priceFactor *
      sessions.dayparts[place.daypart]!.priceFactor *
      (1 + openMarket.seasonAmplitude * seasonAt(place.day, openMarket.seasonPeakDay));
  }

  priceMicros(campaign: number, position: number, lengthSeconds: 15 | 30): number {
    const place = this.#place;
    if (place === null) throw new Error("prices are asked while a slot is decided");
    const bid = campaign === OPEN_MARKET ? this.#filled(place, position) : this.#bid(place, campaign);
    if (bid === 0) return 0;
    const repetition = this.#repetition[Math.min(place.adsToday, ADS_TABLED) + position] ?? 0;
    const length = lengthSeconds === 30 ? 1 : this.#world.openMarket.shortAdPriceShare;
    return Math.round(this.#worthMicros * bid * repetition * length);
  }

  /** What the open market pays for one 30 s ad in the slot at hand, micros; 0: no bid. */
  openPriceMicros(): number {
    return this.priceMicros(OPEN_MARKET, 0, 30);
  }

  creatives(campaign: number): readonly number[] {
    if (campaign === OPEN_MARKET) return [0];
    const { creatives, creativeLifetimeDays } = this.#campaign(campaign);
    return Array.from({ length: creatives }, (_, place) => {
      if (creativeLifetimeDays === 0) return place;
      const staggered = (this.#place?.day ?? 0) + (place * creativeLifetimeDays) / creatives;
      return Math.floor(staggered / creativeLifetimeDays) * creatives + place;
    });
  }

  budgetMicros(campaign: number, day: number): number {
    const { startDay, endDay, budgetMicrosPerDayPer1000, budgetChanges } = this.#campaign(campaign);
    if (day < startDay || day >= endDay) return 0;
    let budget = budgetMicrosPerDayPer1000;
    let since = -1;
    for (const change of budgetChanges)
      if (change.day <= day && change.day > since) [budget, since] = [change.budgetMicrosPerDayPer1000, change.day];
    return Math.round(budget * this.#thousands);
  }

  #filled(place: SlotPlace, position: number): number {
    return uniform(place.sessionKey, place.track, PURPOSE.fill + position) < this.#world.openMarket.fillShare ? 1 : 0;
  }

  #bid(place: SlotPlace, index: number): number {
    const campaign = this.#campaign(index);
    const targets = this.#targets[index]!;
    if (place.day < campaign.startDay || place.day >= campaign.endDay) return 0;
    if (!targets.platforms[place.platform] || !targets.genres[place.genre]) return 0;
    const purpose = PURPOSE.campaign + DRAWS_PER_CAMPAIGN * index;
    if (uniform(place.sessionKey, place.track, purpose) >= campaign.reachShare) return 0;
    return campaign.priceFactor * lognormal(place.sessionKey, place.track, purpose + 1, campaign.priceLogSd);
  }

  #campaign(index: number): Campaign {
    const campaign = this.#world.campaigns[index];
    if (campaign === undefined)
      throw new RangeError(`campaign = ${index}: is below ${this.#world.campaigns.length}, or the open market's`);
    return campaign;
  }
}

function wanted(all: readonly { readonly name: string }[], names: readonly string[]): readonly boolean[] {
  return all.map(({ name }) => names.length === 0 || names.includes(name));
}
