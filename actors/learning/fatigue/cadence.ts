/*
 * Frequency's rule on top of the score: whether this slot gets a break, a shorter one, or none. The best score above 0 wins, a small
 * chance goes to each alternative, and limits that no score can buy off come first. Chances are exact: they are what is sampled.
 *
 * Q1: a break within MIN_GAP_MS of the last, or a 13th ad in an hour, has chance 0, also when exploring.
 */

export const MIN_GAP_MS = 3 * 60_000;
export const ADS_PER_HOUR_MAX = 12;
/** Chance of a choice other than the best, shared by the others. */
export const EPSILON = 0.02;

export interface CadenceContext {
  readonly nowMs: number;
  /** End of the last break; null when there was none. */
  readonly lastBreakMs: number | null;
  /** Ads that began in the last 60 minutes. */
  readonly adsLastHour: number;
}

export interface BreakOption {
  /** Ads in it; the empty break has 0. */
  readonly ads: number;
  /** Value less all prices, in micros; the empty break has 0 by definition. */
  readonly scoreMicros: number;
}

export interface CadenceChances {
  /** One for each option, in their order; they add up to 1 with `none`. */
  readonly options: readonly number[];
  /** Of no ad at all. */
  readonly none: number;
  /** What was best; −1 is no ad. */
  readonly best: number;
  /** A limit left nothing to choose: not to be used for off-policy estimates. */
  readonly isForced: boolean;
}

/** @param epsilon 0 where the listener did not allow experiments. */
export function cadenceChances(
  context: CadenceContext,
  options: readonly BreakOption[],
  epsilon = EPSILON,
): CadenceChances {
  const isAllowed = options.map(({ ads }) => fits(context, ads));
  let best = -1;
  let highest = 0;
  options.forEach(({ scoreMicros }, position) => {
    if (isAllowed[position] === true && scoreMicros > highest) [best, highest] = [position, scoreMicros];
  });
  // Besides the best: as many as there are allowed breaks, since no ad at all is one of the choices too.
  const others = isAllowed.filter(Boolean).length;
  if (others === 0) return { options: options.map(() => 0), none: 1, best: -1, isForced: true };
  const chanceOf = (position: number): number => (position === best ? 1 - epsilon : epsilon / others);
  return {
    options: options.map((_, position) => (isAllowed[position] === true ? chanceOf(position) : 0)),
    none: chanceOf(-1),
    best,
    isForced: false,
  };
}

function fits({ nowMs, lastBreakMs, adsLastHour }: CadenceContext, ads: number): boolean {
  const isRested = lastBreakMs === null || nowMs - lastBreakMs >= MIN_GAP_MS;
  return ads >= 1 && isRested && adsLastHour + ads <= ADS_PER_HOUR_MAX;
}

/** What a campaign's bid is worth after so many exposures of this listener: (1 + n)^−.29 (Podsights: lift by frequency). */
export const repetitionFactor = (exposures: number): number => (1 + Math.max(0, exposures)) ** -0.29;
