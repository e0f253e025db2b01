import { NO_BID_REASONS, type NoBidReason } from "../../protocols/openrtb/no-bid.ts";
import { amountText, table } from "../../runtime/cli/table.ts";
import { CAMPAIGNS } from "./campaigns.ts";
import type { Scoreboard } from "./scoreboard.ts";

const CLEAR = "\x1b[2J\x1b[H";

/** What the spectator sees at one moment, as text. @param leftMs until the demo ends. */
export function picture(score: Scoreboard, leftMs: number): string {
  const reasons = [...score.refusals].sort(([, one], [, other]) => other - one);
  return [
    `${score.listening} listening · ${score.requests} breaks · ${score.bids} with an ad · ends in ${Math.ceil(leftMs / 1_000)} s`,
    `answers: p50 ${score.latencyMs(50).toFixed(1)} ms · p99 ${score.latencyMs(99).toFixed(1)} ms (client, HTTP included)`,
    "",
    campaignTable(score),
    "",
    reasons.length === 0
      ? "nothing refused yet"
      : table(
          ["NO AD BECAUSE", "NBR", "TIMES"],
          reasons.map(([nbr, times]) => [NO_BID_REASONS[nbr as NoBidReason], nbr, times]),
        ),
  ].join("\n");
}

/** What the listeners heard of each campaign. */
function campaignTable(score: Scoreboard): string {
  return table(
    ["CAMPAIGN", "HEARD", "TO THE END", "SKIPPED", "SPENT", "DAY'S BUDGET"],
    CAMPAIGNS.map(({ id, name, dailyMicros }) => {
      const { impressions, completes, skips, spentMicros } = score.of(id);
      return [
        name,
        impressions,
        completes,
        skips,
        amountText(Math.round(spentMicros)),
        dailyMicros === null ? "-" : amountText(dailyMicros),
      ];
    }),
  );
}

/** Draws anew over the old picture on a terminal; elsewhere one line at a time, so that a log stays readable. */
export function show(score: Scoreboard, leftMs: number): void {
  if (process.stdout.isTTY) process.stdout.write(`${CLEAR}${picture(score, leftMs)}\n`);
  else {
    const skips = [...score.campaigns.values()].reduce((sum, each) => sum + each.skips, 0);
    const spentMicros = [...score.campaigns.values()].reduce((sum, each) => sum + each.spentMicros, 0);
    process.stdout.write(
      `${Math.ceil(leftMs / 1_000)} s left: ${score.listening} listening, ${score.requests} breaks, ${score.bids} ads, ${skips} skips, spent ${amountText(Math.round(spentMicros))}\n`,
    );
  }
}
