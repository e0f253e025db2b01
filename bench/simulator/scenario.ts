import { childKey, type DrawKey, rootKey, uniform } from "./counter-draws.ts";
import { parseWorld, type World } from "./world-file.ts";

/** A world drawn from a seed, and in words what was drawn. */
export interface Scenario {
  readonly seed: number;
  readonly world: World;
  /** Disturbances by name, as "tracking stops on day 31"; what every scenario varies is not among them. */
  readonly disturbances: readonly string[];
}

/** Beside everything a run draws: a scenario and a run may have the same seed. */
const SCENARIO_BRANCH = -3;

/** Uniform numbers by name: what one decision draws does not depend on which others were made before it. */
class Draws {
  readonly #key: DrawKey;

  constructor(key: DrawKey) {
    this.#key = key;
  }

  of(name: string): Draws {
    let key = this.#key;
    for (let at = 0; at < name.length; at++) key = childKey(key, name.charCodeAt(at));
    return new Draws(key);
  }

  between(name: string, low: number, high: number): number {
    return low + (high - low) * uniform(this.of(name).#key, 0, 1);
  }

  /** Uniform in the logarithm. */
  ratio(name: string, low: number, high: number): number {
    return Math.exp(this.between(name, Math.log(low), Math.log(high)));
  }

  whole(name: string, low: number, high: number): number {
    return Math.floor(this.between(name, low, high + 1));
  }

  happens(name: string, chance: number): boolean {
    return this.between(name, 0, 1) < chance;
  }

  /** Another order of a list. */
  shuffled<T>(name: string, list: readonly T[]): readonly T[] {
    return list
      .map((item, at) => ({ item, at: this.between(`${name}/${at}`, 0, 1) }))
      .sort((a, b) => a.at - b.at)
      .map(({ item }) => item);
  }
}

/**
 * Draws a world around another one (learning.md 2, "Scenarios"). Always: how sensitive listeners are, how unequally and in which order by
 * age, how unequal slots are, repetition, 15 s ads, pods, creatives. Sometimes: the disturbances, each on days inside the run.
 * @param days length of the run that the disturbances are to fall into, at least 10.
 */
export function drawScenario(base: World, seed: number, days: number): Scenario {
  const draws = new Draws(childKey(rootKey(seed), SCENARIO_BRANCH));
  const world = structuredClone(base);
  world.name = `scenario ${seed} of ${base.name}`;
  varyListeners(world, draws.of("listeners"));
  varyMarket(world, draws.of("market"));
  const disturbances = DISTURBANCES.flatMap(({ name, chance, disturb, ofCampaigns }) => {
    if (ofCampaigns && world.campaigns.length === 0) return [];
    const own = draws.of(name);
    return own.happens("happens", chance) ? [disturb(world, own, days)] : [];
  });
  return { seed, world: parseWorld(world, world.name), disturbances };
}

function varyListeners({ population, fatigue, activity, sessions, tracks }: World, draws: Draws): void {
  population.sensitivityMean *= draws.ratio("sensitivity mean", 0.5, 2);
  population.sensitivityLogSd = draws.between("sensitivity sd", 0.2, 1);
  const shifts = draws.shuffled("order by age", population.ages).map((age) => age.sensitivityLogShift);
  const stretch = draws.between("spread by age", 0, 2);
  population.ages.forEach((age, at) => (age.sensitivityLogShift = stretch * shifts[at]!));
  for (const platform of population.platforms)
    platform.sensitivityLogShift = draws.between(`platform/${platform.name}`, -0.4, 0.4);
  fatigue.memoryDays = draws.ratio("memory", 30, 120);
  fatigue.fastHalfLifeMinutes = draws.ratio("half-life", 5, 20);
  fatigue.shortAdExponent = draws.between("15 s exponent", 0.3, 1.2);
  fatigue.podPremiumPerExtraAd = draws.between("pods", 0, 0.15);
  activity.logitMean += draws.between("activity", -0.4, 0.4);
  sessions.tracksMean *= draws.ratio("tracks", 0.7, 1.4);
  tracks.skipAfterPlay = draws.between("skips", 0.12, 0.29);
}

function varyMarket({ openMarket, response, campaigns }: World, draws: Draws): void {
  openMarket.cpmMicros = Math.round(openMarket.cpmMicros * draws.ratio("cpm", 0.5, 2));
  openMarket.valueLogSd = draws.between("price spread", 0, 0.9);
  openMarket.repetitionExponent = draws.between("wear-out", 0, 0.6);
  openMarket.fillShare = draws.between("fill", 0.6, 1);
  openMarket.shortAdPriceShare = draws.between("15 s price", 0.5, 0.8);
  response.creativeLogSd = draws.between("creatives", 0.1, 0.7);
  response.creativePlatformCorrelation = draws.between("platforms alike", 0, 1);
  for (const campaign of campaigns)
    campaign.budgetMicrosPerDayPer1000 = Math.round(
      campaign.budgetMicrosPerDayPer1000 * draws.ratio(`budget/${campaign.name}`, 0.3, 3),
    );
}

interface Disturbance {
  readonly name: string;
  readonly chance: number;
  /** Changes the world. @returns what it did, in words. */
  readonly disturb: (world: World, draws: Draws, days: number) => string;
  /** It disturbs campaigns, so a world without any is spared. */
  readonly ofCampaigns?: true;
}

/** A day in the middle part of the run, so that there is a before and an after. */
const midRun = (draws: Draws, days: number): number =>
  draws.whole("day", Math.ceil(days * 0.2), Math.max(Math.ceil(days * 0.2), Math.floor(days * 0.7)));

const DISTURBANCES: readonly Disturbance[] = [
  {
    name: "season",
    chance: 0.4,
    disturb({ activity, openMarket }, draws) {
      activity.seasonLogitAmplitude = draws.between("listening", 0, 0.4);
      openMarket.seasonAmplitude = draws.between("prices", 0, 0.4);
      activity.seasonPeakDay = draws.whole("listening peak", 0, 364);
      openMarket.seasonPeakDay = draws.whole("price peak", 0, 364);
      return `seasons: listening ±${activity.seasonLogitAmplitude.toFixed(2)} logit, prices ±${Math.round(100 * openMarket.seasonAmplitude)} %`;
    },
  },
  {
    name: "platform launch",
    chance: 0.3,
    disturb({ population }, draws, days) {
      const at = draws.whole("platform", 0, population.platforms.length - 1);
      const platform = population.platforms[at]!;
      platform.launchDay = midRun(draws, days);
      return `${platform.name} launches on day ${platform.launchDay}`;
    },
  },
  {
    name: "creative churn",
    chance: 0.4,
    ofCampaigns: true,
    disturb({ campaigns }, draws) {
      const lifetime = draws.whole("lifetime", 7, 60);
      for (const campaign of campaigns) campaign.creativeLifetimeDays = lifetime;
      return `creatives live ${lifetime} days`;
    },
  },
  {
    name: "budgets dumped",
    chance: 0.3,
    ofCampaigns: true,
    disturb({ campaigns }, draws, days) {
      const dumpDay = midRun(draws, days);
      const rise = draws.ratio("rise", 3, 20);
      for (const campaign of campaigns)
        campaign.budgetChanges = [
          { day: dumpDay, budgetMicrosPerDayPer1000: Math.round(campaign.budgetMicrosPerDayPer1000 * rise) },
          { day: dumpDay + 1, budgetMicrosPerDayPer1000: campaign.budgetMicrosPerDayPer1000 },
        ];
      return `budgets are ${rise.toFixed(1)} times as large on day ${dumpDay}`;
    },
  },
  {
    name: "tracking outage",
    chance: 0.4,
    disturb({ tracking }, draws, days) {
      const fromDay = midRun(draws, days);
      tracking.outages = [{ fromDay, days: 1 }];
      tracking.lossShare = draws.between("loss", 0, 0.05);
      return `tracking stops on day ${fromDay}, and loses ${(100 * tracking.lossShare).toFixed(1)} % otherwise`;
    },
  },
  {
    name: "bots",
    chance: 0.3,
    disturb({ bots }, draws) {
      bots.share = draws.between("share", 0.002, 0.03);
      bots.visitFactor = draws.ratio("visits", 1, 20);
      return `${(100 * bots.share).toFixed(1)} % are bots`;
    },
  },
  {
    name: "fatigue threshold",
    chance: 0.25,
    disturb({ fatigue }, draws) {
      fatigue.thresholdAdsPerHour = draws.between("threshold", 3, 8);
      fatigue.extraSlopeAboveThreshold = draws.between("slope", 0.5, 3);
      return `above ${fatigue.thresholdAdsPerHour.toFixed(1)} ads an hour each weighs ${(1 + fatigue.extraSlopeAboveThreshold).toFixed(1)}`;
    },
  },
  {
    name: "recommender change",
    chance: 0.3,
    disturb({ tracks }, draws, days) {
      const change = {
        day: midRun(draws, days),
        skipFactor: draws.ratio("skips", 0.7, 1.4),
        activityLogitShift: draws.between("activity", -0.2, 0.2),
      };
      tracks.recommenderChanges = [change];
      return `another recommender on day ${change.day}: skips × ${change.skipFactor.toFixed(2)}, activity ${change.activityLogitShift.toFixed(2)} logit`;
    },
  },
];
