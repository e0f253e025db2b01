import type { Bar } from "./bar.ts";
import { offPolicyBar } from "./bars/l9-off-policy.ts";
import { pacingBar } from "./bars/l4-pacing.ts";
import { auctionLogBar } from "./bars/l5-ipinyou.ts";
import { creativeBar } from "./bars/l6-creative.ts";
import { transferBar } from "./bars/l7-transfer.ts";
import { contextualBar } from "./bars/l11-contextual.ts";
import { learningCostBar } from "./bars/l12-cost.ts";
import { peekingBar } from "./bars/l8-peeking.ts";
import { abStatisticsBar } from "./bars/l10-ab-statistics.ts";

/** All bars, in the order of the table. */
export const BARS: readonly Bar[] = [
  pacingBar,
  auctionLogBar,
  creativeBar,
  transferBar,
  peekingBar,
  offPolicyBar,
  abStatisticsBar,
  contextualBar,
  learningCostBar,
];
