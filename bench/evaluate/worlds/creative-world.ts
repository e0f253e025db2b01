import { drawLognormal, streamFor } from "./chance.ts";

/*
 * Campaigns whose creatives differ: log-sd .4 between creatives, .25 between a creative's genres (learning.md 2, response), 3 to 8 creatives,
 * conversions delayed as Chapelle 2014. Time goes by the hour; what is learned in an hour serves the next.
 */

export interface CreativeWorldOptions {
  readonly seed: number;
  /** Conversions an impression of the mean creative. */
  readonly responseRate: number;
  readonly impressions: number;
  readonly impressionsPerDay: number;
  readonly effectLogSd: number;
  readonly genreLogSd: number;
  readonly creatives?: number;
  /** rates[creative][genre]; drawn by the options above where absent. */
  readonly rates?: readonly (readonly number[])[];
  /** Conversions are dealt to creatives at random: nothing can be learned, and nothing may seem to be. */
  readonly isShuffled?: boolean;
}

export const GENRE_COUNT = 8;

/** What a policy may see. */
export interface CreativePolicy {
  /** Called at the start of each hour, after the conversions of the hour before. */
  hour(atHour: number): void;
  /** Chances over the creatives for an impression in this genre. */
  chances(genre: number): readonly number[];
  shown(creative: number, genre: number, atHour: number): void;
  converted(creative: number, genre: number, atHour: number): void;
}

/** Expected conversions above random: gained by the policy, and by the best creative of each genre. */
export interface GapClosed {
  readonly gained: number;
  readonly possible: number;
}

/** What of the gap from random to the best creative of each genre that was closed over the first n impressions, for each n asked. */
export function playCampaign(
  options: CreativeWorldOptions,
  policyOf: (creatives: number) => CreativePolicy,
  after: readonly number[],
): GapClosed[] {
  const rates = options.rates ?? drawRates(options);
  const count = rates.length;
  const ofGenre = (genre: number): number[] => rates.map((row) => row[genre] ?? 0);
  const genres = Array.from({ length: GENRE_COUNT }, (_, genre) => ofGenre(genre));
  const best = genres.map((row) => Math.max(...row));
  const mean = genres.map((row) => row.reduce((sum, rate) => sum + rate, 0) / count);
  const policy = policyOf(count);
  const arriving = new Map<number, { creative: number; genre: number }[]>();
  const response = streamFor(options.seed, 6, 2);
  const choice = streamFor(options.seed, 6, 3);
  const closed: GapClosed[] = [];
  let [gained, possible, due, hour] = [0, 0, 0, 0];
  for (let impression = 0; impression < options.impressions; hour++) {
    for (const each of arriving.get(hour) ?? []) policy.converted(each.creative, each.genre, hour);
    arriving.delete(hour);
    policy.hour(hour);
    due += options.impressionsPerDay / 24;
    for (; due >= 1 && impression < options.impressions; due--) {
      const genre = Math.floor(response() * GENRE_COUNT);
      const creative = position(policy.chances(genre), choice());
      const rate = rates[creative]?.[genre] ?? 0;
      gained += rate - (mean[genre] ?? 0);
      possible += (best[genre] ?? 0) - (mean[genre] ?? 0);
      policy.shown(creative, genre, hour);
      const [answer, delayA, delayB, dealt] = [response(), response(), response(), response()];
      if (answer < rate) {
        const at = Math.max(hour + 1, Math.ceil(hour + delayHours(delayA, delayB)));
        const credited = options.isShuffled ? Math.floor(dealt * count) : creative;
        const list = arriving.get(at) ?? [];
        list.push({ creative: credited, genre });
        arriving.set(at, list);
      }
      impression++;
      if (after.includes(impression)) closed.push({ gained, possible });
    }
  }
  return closed;
}

/** rates[creative][genre] of one campaign. */
function drawRates(options: CreativeWorldOptions): number[][] {
  const draw = streamFor(options.seed, 6, 1);
  const count = options.creatives ?? 3 + Math.floor(draw() * 6);
  const genres = Array.from({ length: GENRE_COUNT }, () => drawLognormal(0.3, draw));
  return Array.from({ length: count }, () => {
    const effect = drawLognormal(options.effectLogSd, draw);
    return genres.map((genre) =>
      Math.min(0.9, options.responseRate * effect * genre * drawLognormal(options.genreLogSd, draw)),
    );
  });
}

function position(chances: readonly number[], drawn: number): number {
  let left = drawn;
  for (let k = 0; k < chances.length - 1; k++) {
    left -= chances[k] ?? 0;
    if (left < 0) return k;
  }
  return chances.length - 1;
}

/** 35 % within 1 h, 50 % within 24 h, 87 % within 14 d, all within 30 d (Chapelle 2014); log-uniform between the knots from 1 h to 14 d. */
function delayHours(which: number, within: number): number {
  if (which < 0.35) return within;
  if (which < 0.5) return 24 ** within;
  if (which < 0.87) return 24 * 14 ** within;
  return 24 * (14 + 16 * within);
}
