import { PLATFORMS, type PlatformEvidence } from "../../../actors/learning/transfer/platform-effects.ts";
import { drawNormal } from "../../../actors/learning/numerics/normal.ts";
import { drawLognormal, streamFor } from "./chance.ts";
import { GENRE_COUNT } from "./creative-world.ts";

/* A campaign that ran on three platforms and starts on the fourth; log effects (sd .4) on any two are correlated as told. */

export interface PlatformCampaign {
  /** Evidence of the platforms it ran on. */
  readonly evidence: readonly PlatformEvidence[];
  /** rates[creative][genre] on the new platform, the same in all genres. */
  readonly rates: readonly (readonly number[])[];
}

export interface PlatformWorldOptions {
  readonly seed: number;
  readonly correlation: number;
  readonly responseRate: number;
  readonly effectLogSd: number;
  /** Impressions that each creative had on each of the old platforms. */
  readonly impressionsBefore: number;
}

export const creativeName = (creative: number): string => `creative-${creative}`;

export function drawPlatformCampaign(options: PlatformWorldOptions): PlatformCampaign {
  const { seed, correlation, effectLogSd, responseRate, impressionsBefore } = options;
  const draw = streamFor(seed, 7, 1);
  const creatives = 3 + Math.floor(draw() * 6);
  const levels = PLATFORMS.map(() => responseRate * drawLognormal(0.2, draw));
  const effects = Array.from({ length: creatives }, () => {
    const common = drawNormal(draw);
    return PLATFORMS.map(() =>
      Math.exp(effectLogSd * (Math.sqrt(correlation) * common + Math.sqrt(1 - correlation) * drawNormal(draw))),
    );
  });
  const last = PLATFORMS.length - 1;
  const evidence: PlatformEvidence[] = [];
  PLATFORMS.slice(0, last).forEach((platform, p) => {
    const conversions = effects.map((row) =>
      countOf(Math.round(impressionsBefore), (levels[p] ?? 0) * (row[p] ?? 1), draw),
    );
    const expected = conversions.reduce((sum, count) => sum + count, 0) / creatives;
    conversions.forEach((count, k) =>
      evidence.push({ creativeId: creativeName(k), platform, expected, conversions: count }),
    );
  });
  const rates = effects.map((row) =>
    new Array<number>(GENRE_COUNT).fill(Math.min(0.9, (levels[last] ?? 0) * (row[last] ?? 1))),
  );
  return { evidence, rates };
}

/** Conversions of so many impressions. */
function countOf(impressions: number, rate: number, random: () => number): number {
  let count = 0;
  for (let impression = 0; impression < impressions; impression++) if (random() < rate) count++;
  return count;
}
