import { z } from "zod";
import type { SingleState } from "../../runtime/actor/state.ts";
import { PLAYBACK_DELAY } from "../learning/creative/delay.ts";
import { CREATIVES_MAX, CreativeState, initialCreative, withCreatives } from "../learning/creative/state.ts";
import { initialJoinedShare, JoinedShareState } from "../learning/feedback/joined-share.ts";

export const LearnerState = z.strictObject({
  creatives: CreativeState,
  share: JoinedShareState,
  /** Version of the table published last. */
  version: z.int().min(0),
  isFrozen: z.boolean(),
});
export type LearnerState = z.infer<typeof LearnerState>;

/** Clicks come while the ad plays: nothing of a campaign's delays is learnt yet. */
export const initialLearner = (): LearnerState => ({
  creatives: initialCreative(PLAYBACK_DELAY),
  share: initialJoinedShare(),
  version: 0,
  isFrozen: false,
});

export const learnerState: SingleState<LearnerState> = { version: 1, schema: LearnerState, initial: initialLearner };

/** Makes room for a creative that is heard for the first time: the one unheard the longest is forgotten (C3). */
export function withCreative(creatives: CreativeState, creativeId: string, atMs: number): CreativeState {
  const { arms } = creatives;
  if (arms.some(({ id }) => id === creativeId)) return creatives;
  const kept = [...arms].sort((one, other) => other.atMs - one.atMs).slice(0, CREATIVES_MAX - 1);
  const ids = arms.filter((arm) => kept.includes(arm)).map(({ id }) => id);
  return withCreatives(creatives, [...ids, creativeId], atMs);
}
