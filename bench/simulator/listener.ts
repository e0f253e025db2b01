import {
  childKey,
  cumulativeShares,
  type DrawKey,
  lognormal,
  normal,
  pick,
  PURPOSE,
  uniform,
} from "./counter-draws.ts";
import type { World } from "./world-file.ts";

/** What a listener is, and no policy is told but for age and platform. Only the clairvoyant oracle may look (learning.md 0.5). */
export interface Listener {
  readonly key: DrawKey;
  readonly age: number;
  readonly platform: number;
  readonly favouriteGenre: number;
  readonly bot: boolean;
  /** Multiplies every effect of ads; mean `population.sensitivityMean`; 0 for bots. */
  readonly sensitivity: number;
  /** Logit of the chance to listen on a day, at the reference load. */
  readonly activityLogit: number;
  /** Factor on the chance of leaving for good; mean 1. */
  readonly churnFrailty: number;
  /** Factor on the response to ads; mean 1. */
  readonly responsiveness: number;
}

/** Draws listeners of a world by their number. */
export class Population {
  readonly #world: World;
  readonly #root: DrawKey;
  readonly #ages: readonly number[];
  readonly #platforms: readonly number[];
  readonly #genres: readonly number[];
  /** Subtracted from every log sensitivity, so that the mean over segments and listeners is the world's. */
  readonly #sensitivityLogMean: number;

  constructor(world: World, root: DrawKey) {
    const { ages, platforms, genres, sensitivityLogSd } = world.population;
    this.#world = world;
    this.#root = root;
    this.#ages = cumulativeShares(ages.map((each) => each.share));
    this.#platforms = cumulativeShares(platforms.map((each) => each.share));
    this.#genres = cumulativeShares(genres.map((each) => each.share));
    const shift = (segments: readonly { share: number; sensitivityLogShift: number }[]): number =>
      segments.reduce((sum, each) => sum + each.share * Math.exp(each.sensitivityLogShift), 0);
    this.#sensitivityLogMean = Math.log(shift(ages) * shift(platforms)) + (sensitivityLogSd * sensitivityLogSd) / 2;
  }

  listener(number: number): Listener {
    const { population, bots, activity, churn, response } = this.#world;
    const key = childKey(this.#root, number);
    const age = pick(this.#ages, uniform(key, 0, PURPOSE.age));
    const platform = pick(this.#platforms, uniform(key, 0, PURPOSE.platform));
    const bot = uniform(key, 0, PURPOSE.bot) < bots.share;
    const logSensitivity =
      population.sensitivityLogSd * normal(key, 0, PURPOSE.sensitivity) +
      population.ages[age]!.sensitivityLogShift +
      population.platforms[platform]!.sensitivityLogShift -
      this.#sensitivityLogMean;
    return {
      key,
      age,
      platform,
      favouriteGenre: pick(this.#genres, uniform(key, 0, PURPOSE.favouriteGenre)),
      bot,
      sensitivity: bot ? 0 : population.sensitivityMean * Math.exp(logSensitivity),
      activityLogit: activity.logitMean + activity.logitSd * normal(key, 0, PURPOSE.activity),
      churnFrailty: lognormal(key, 0, PURPOSE.churnFrailty, churn.frailtyLogSd),
      responsiveness: lognormal(key, 0, PURPOSE.responsiveness, response.listenerLogSd),
    };
  }
}
