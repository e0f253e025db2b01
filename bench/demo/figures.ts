import { setTimeout as wait } from "node:timers/promises";
import type { Scoreboard } from "./scoreboard.ts";

/** A figure that listeners and node do not agree about. */
export interface Disagreement {
  readonly campaign: string;
  readonly figure: string;
  readonly listeners: number;
  readonly node: number;
}

/** Wallets report every two seconds (D16). */
const SETTLED_MS = 10_000;
const LOOK_MS = 500;

/** Compares what the listeners counted with what the node says, once its wallets have reported. @returns what still differs then. */
export async function comparedFigures(
  delivery: (campaignId: string) => Promise<string>,
  score: Scoreboard,
  campaigns: readonly string[],
): Promise<readonly Disagreement[]> {
  const deadlineMs = performance.now() + SETTLED_MS;
  for (;;) {
    const found: Disagreement[] = [];
    for (const campaign of campaigns) {
      const node = JSON.parse(await delivery(campaign)) as Readonly<Record<string, number>>;
      const { impressions, completes, skips, spentMicros } = score.of(campaign);
      const counted = { impressions, completes, skips, spentMicros: Math.round(spentMicros) };
      for (const [figure, listeners] of Object.entries(counted))
        if (node[figure] !== listeners) found.push({ campaign, figure, listeners, node: node[figure] ?? Number.NaN });
    }
    if (found.length === 0 || performance.now() >= deadlineMs) return found;
    await wait(LOOK_MS);
  }
}
