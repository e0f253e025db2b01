import type { ActionRow } from "../../protocols/decision-record.ts";
import type { Contender } from "./contender.ts";

/** Actions that a record lists; the rest is summed. */
const ACTIONS_MAX = 12;

/** What a decision could have come to: the exact distribution it was drawn from (decisioning.md 7.4). */
export interface ActionSet {
  /** Probability that each contender's ad set is served; zero for those that something certain beats. */
  readonly served: ReadonlyMap<Contender, number>;
  readonly noAd: number;
}

/** Contenders of one rank, the best rank first. */
export type Ranks = readonly (readonly Contender[])[];

export function ranksOf(
  contenders: readonly Contender[],
  compare: (one: Contender, other: Contender) => number,
): Ranks {
  const ranks: Contender[][] = [];
  for (const contender of [...contenders].sort((one, other) => compare(other, one))) {
    const last = ranks.at(-1);
    const [leader] = last ?? [];
    if (last !== undefined && leader !== undefined && compare(leader, contender) === 0) last.push(contender);
    else ranks.push([contender]);
  }
  return ranks;
}

/**
 * Each contender takes part by an independent draw; the best of those that do is served, and equals share evenly. So a contender is
 * served when it takes part, all above it do not, and it wins among its equals: with k of the others there, by 1/(k + 1).
 */
export function actionSet(ranks: Ranks): ActionSet {
  const served = new Map<Contender, number>();
  let reached = 1;
  for (const equals of ranks) {
    if (reached <= 0) break;
    equals.forEach((each, at) => served.set(each, reached * each.takesPart * shareAmong(equals, at)));
    for (const { takesPart } of equals) reached *= 1 - takesPart;
  }
  return { served, noAd: reached };
}

/** Expected 1/(k + 1) over the number k of the other equals that take part (a Poisson-binomial distribution). */
function shareAmong(equals: readonly Contender[], at: number): number {
  if (equals.length === 1) return 1;
  let counts = [1];
  equals.forEach(({ takesPart }, other) => {
    if (other === at) return;
    const next = new Array<number>(counts.length + 1).fill(0);
    counts.forEach((chance, count) => {
      next[count] = (next[count] ?? 0) + chance * (1 - takesPart);
      next[count + 1] = (next[count + 1] ?? 0) + chance * takesPart;
    });
    counts = next;
  });
  return counts.reduce((sum, chance, count) => sum + chance / (count + 1), 0);
}

/** The rows of a record: each creative of each ad set that could have been served, the likeliest first. */
export function actionRows({ served }: ActionSet): ActionRow[] {
  const rows: ActionRow[] = [];
  for (const [{ adSet, playable }, probability] of served)
    for (const { creative, chance } of playable)
      if (probability * chance > 0)
        rows.push({ adSetId: adSet.id, creativeId: creative.id, probability: probability * chance });
  return rows.sort((one, other) => other.probability - one.probability).slice(0, ACTIONS_MAX);
}
