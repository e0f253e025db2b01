import { z } from "zod";
import { Id } from "../../protocols/ids.ts";
import { EpochMs } from "../../protocols/quantities.ts";
import type { VersionedState } from "../../runtime/actor/state.ts";

/** A decided ad that may still play: it holds a place under the cap until it is billed or released (F1, F2). */
const Pending = z.object({
  decisionId: z.string(),
  campaignId: Id,
  /** How many stamps the campaign's caps need. */
  keep: z.int(),
  expiresAtMs: EpochMs,
});

/** When the campaign's last `keep` ads were heard, oldest first. N stamps decide any cap of at most N exactly. */
const Heard = z.object({ campaignId: Id, atMs: z.array(EpochMs) });

/** What one listener heard of capped campaigns. Lists, not records: ids are free text of operators. */
export const FrequencyPart = z.object({ pending: z.array(Pending), heard: z.array(Heard) });
export type FrequencyPart = z.infer<typeof FrequencyPart>;

export const frequencyPart: VersionedState<FrequencyPart> = { version: 1, schema: FrequencyPart, personal: true };
