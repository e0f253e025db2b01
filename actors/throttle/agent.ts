import type { ThrottleAnswer, ThrottleRequest } from "../../protocols/roles.ts";
import { defineAgent } from "../../runtime/actor/agent.ts";

/** Below so many impressions in the partition's account a paced campaign takes part in proportion to what is left. */
const SCARCE_IMPRESSIONS = 8;

const everybody = ({ proposals }: ThrottleRequest): ThrottleAnswer => ({ chances: proposals.map(() => 1) });

/**
 * Pacing's throttle: what the budget releases along its curve (ADR 0010) is not taken by the first requests after each release, but by a
 * sample of those that come until the next. Campaigns without a pace take part always.
 */
export const throttleAgent = defineAgent<ThrottleRequest, ThrottleAnswer>({
  role: "throttle",
  variant: "default",
  version: "1",
  purpose: "scoring",
  answer: ({ proposals, freeNanos }) => ({
    chances: proposals.map(({ adSet }, position) => {
      if (adSet.pacing === "asap" || adSet.bidCpmMicros === 0) return 1;
      const impressions = (freeNanos[position] ?? 0) / adSet.bidCpmMicros;
      return Math.max(1, Math.min(SCARCE_IMPRESSIONS, Math.floor(impressions))) / SCARCE_IMPRESSIONS;
    }),
  }),
  whenFailing: everybody,
});

/** Nothing is held back. */
export const openThrottleAgent = defineAgent<ThrottleRequest, ThrottleAnswer>({
  role: "throttle",
  variant: "off",
  version: "1",
  purpose: "scoring",
  answer: everybody,
  whenFailing: everybody,
});
