import { sampleRatio } from "../../../actors/learning/experiment/sample-ratio.ts";

/** How many of `repetitions` experiments of so many units are said to have arms of the wrong size, when the treatment's log loses a share. */
export function mismatches(units: number, lossShare: number, repetitions: number, random: () => number): number {
  let found = 0;
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const treatment = heads(units, random);
    const logged = treatment - lost(treatment, lossShare, random);
    const arms = [
      { units: units - treatment, share: 0.5 },
      { units: logged, share: 0.5 },
    ];
    if (sampleRatio(arms).mismatch) found++;
  }
  return found;
}

/** Fair coins, 32 to a draw: exact, and fast enough for billions. */
function heads(coins: number, random: () => number): number {
  let count = 0;
  for (let left = coins; left > 0; left -= 32) {
    const bits = Math.floor(random() * 2 ** 32);
    count += ones(left >= 32 ? bits : bits % 2 ** left);
  }
  return count;
}

/** The bits that are set (Warren, "Hacker's Delight", section 5-1). */
function ones(bits: number): number {
  let pairs = bits - ((bits >>> 1) & 0x55555555);
  pairs = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((pairs + (pairs >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** A binomial draw by the geometric gaps between losses: exact, at a cost of the losses only. */
function lost(units: number, share: number, random: () => number): number {
  if (share === 0) return 0;
  let count = 0;
  const logKept = Math.log(1 - share);
  for (let at = gap(); at < units; at += 1 + gap()) count++;
  return count;

  function gap(): number {
    return Math.floor(Math.log(1 - random()) / logKept);
  }
}
