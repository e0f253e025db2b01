import { z } from "zod";
import { Id } from "./ids.ts";
import { defineJob } from "./job.ts";
import { EpochMs, LocalDate } from "./quantities.ts";

const Count = z.int().min(0);

/** What became of one campaign in all decisions of a day; `won` to `unseen` add up to `decisions`. */
export const WhyNotDay = z.strictObject({
  /** In the campaign's zone. */
  day: LocalDate,
  /** Test requests apart. */
  decisions: Count,
  won: Count,
  /** An ad set of it could have been served, and another campaign was. */
  outbid: Count,
  /** Every ad set of it that was looked at was vetoed. */
  vetoed: Count,
  /** The request as a whole was refused: nobody could have had it. */
  refused: Count,
  /** It was not looked at: its targeting did not match, or it could not have beaten the winner. */
  absent: Count,
  /** Its record does not show every ad set that was looked at, nor any of this campaign. */
  unseen: Count,
  /** Vetoes and refusals as `role/reason`, each counted once a decision. */
  reasons: z.record(z.string(), Count),
});
export type WhyNotDay = z.infer<typeof WhyNotDay>;

/** Counts a campaign's fate over the decision log. */
export const whyNotJob = defineJob(
  "why-not",
  z.strictObject({
    campaignId: Id,
    timezone: z.string(),
    sinceMs: EpochMs,
    untilMs: EpochMs,
    /** It stops reading after so long, and says so. */
    readMs: z.int().min(1),
  }),
  z.strictObject({
    /** The newest first. */
    days: z.array(WhyNotDay),
    /** Everything back to this time was read; `sinceMs`, unless it ran out of time. */
    readBackToMs: EpochMs,
  }),
);

/** The answer of `GET /v1/campaigns/ID/why-not` and `chorus why-not`. */
export interface WhyNotView {
  readonly campaignId: string;
  readonly timezone: string;
  readonly since: string;
  readonly until: string;
  /** Whether all of that was read; if not, ask for less. */
  readonly complete: boolean;
  readonly days: readonly WhyNotDay[];
}
