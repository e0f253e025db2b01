import { z } from "zod";
import { EpochMs } from "../../protocols/quantities.ts";
import type { VersionedState } from "../../runtime/actor/state.ts";

/** The ads this listener heard lately, or may still hear, the latest at the end; a skipped one counts as far as it was heard. */
export const RewardPart = z.object({
  heard: z.array(z.object({ decisionId: z.string(), atMs: EpochMs, durationMs: z.int() })),
});
export type RewardPart = z.infer<typeof RewardPart>;

export const rewardPart: VersionedState<RewardPart> = { version: 1, schema: RewardPart, personal: true };
