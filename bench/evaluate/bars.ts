import type { Bar } from "./bar.ts";
import { offPolicyBar } from "./bars/l9-off-policy.ts";
import { peekingBar } from "./bars/l8-peeking.ts";
import { abStatisticsBar } from "./bars/l10-ab-statistics.ts";

/** All bars, in the order of the table. */
export const BARS: readonly Bar[] = [peekingBar, offPolicyBar, abStatisticsBar];
