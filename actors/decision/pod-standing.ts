import type { Contender } from "./contender.ts";
import { draw } from "./draw.ts";
import type { Ranks } from "./propensity.ts";
import { compareWorth, type SlateOption } from "./slate.ts";

/** What a contender would make of the rest of the answer. */
export interface Standing {
  readonly worth: readonly number[];
  readonly first: SlateOption;
}

/** At each of several places a share of the chance, so that over all of them it is what the throttle said. */
export const shareOf = (chance: number, places: number): number => (chance >= 1 ? 1 : 1 - (1 - chance) ** (1 / places));

/** By the worth of the slate, then by that of its first ad. */
export function compareStandings(one: Standing, other: Standing): number {
  return (
    compareWorth(one.worth, other.worth) || other.first.tier - one.first.tier || one.first.nanos - other.first.nanos
  );
}

/** The best that takes part; equals by a draw of each, so that one more of them shifts no other's. */
export function chosenOf(ranks: Ranks, seed: string): Contender | undefined {
  for (const equals of ranks) {
    let chosen: Contender | undefined;
    let highest = -1;
    for (const contender of equals) {
      const drawn = draw(seed, "tie", contender.adSet.id);
      if (contender.isIn && drawn > highest) [chosen, highest] = [contender, drawn];
    }
    if (chosen !== undefined) return chosen;
  }
  return undefined;
}
