import { z } from "zod";
import { clip } from "../numerics/bounds.ts";

/*
 * Missing feedback is not bad feedback: when beacons stop, every creative looks worse at once. Of the impressions that should have been
 * followed by at least one event by now, the share that was is watched; where it falls, learners hold still and say so.
 *
 * J1: an open window is no knowledge: learners keep it apart until it is judged. J2: the reference moves only with windows judged joined,
 * so that an outage never becomes normal by lasting; an operator who knows that it is the new normal starts from the initial state.
 */

/** Impressions a window needs to be judged; with fewer it stays open. */
const EXPECTED_MIN = 50;
/** A share this much below the reference is a fall; less is the weather. */
const FALL = 0.8;
/** And it must be this many standard errors below, so that a small window is not blamed for chance. */
const SIGMAS = 3;
/** With no reference yet, less than this share cannot be told from an outage. */
const SHARE_MIN = 0.2;
/** Weight of a window in the reference: it follows within some twenty windows. */
const FOLLOW = 0.05;

export const JoinedShareState = z.strictObject({
  /** Usual share of joined impressions, 0 to 1; null before the first joined window. */
  reference: z.number().min(0).max(1).nullable(),
  expected: z.number().min(0),
  joined: z.number().min(0),
  verdict: z.enum(["learning", "holding"]),
  windowsJoined: z.int().min(0),
  windowsHeld: z.int().min(0),
});
export type JoinedShareState = z.infer<typeof JoinedShareState>;

export const joinedShareState = { version: 1, schema: JoinedShareState };

export const initialJoinedShare = (): JoinedShareState => ({
  reference: null,
  expected: 0,
  joined: 0,
  verdict: "learning",
  windowsJoined: 0,
  windowsHeld: 0,
});

/** @param expected impressions whose events were due; @param joined those of them with at least one. */
export function updateJoinedShare(state: JoinedShareState, expected: number, joined: number): JoinedShareState {
  const due = Math.max(0, expected);
  return { ...state, expected: state.expected + due, joined: state.joined + clip(joined, 0, due) };
}

export type WindowVerdict = "joined" | "missing" | "open";

/** Judges the open window. `open`: too few impressions, it goes on; otherwise a new one begins. */
export function judgeWindow(state: JoinedShareState): {
  readonly verdict: WindowVerdict;
  readonly state: JoinedShareState;
} {
  if (state.expected < EXPECTED_MIN) return { verdict: "open", state };
  const share = state.joined / state.expected;
  const fresh = { ...state, expected: 0, joined: 0 };
  if (isMissing(share, state)) {
    return { verdict: "missing", state: { ...fresh, verdict: "holding", windowsHeld: state.windowsHeld + 1 } };
  }
  const reference = state.reference === null ? share : state.reference + FOLLOW * (share - state.reference);
  return {
    verdict: "joined",
    state: { ...fresh, reference, verdict: "learning", windowsJoined: state.windowsJoined + 1 },
  };
}

function isMissing(share: number, { reference, expected }: JoinedShareState): boolean {
  if (reference === null) return share < SHARE_MIN;
  const error = Math.sqrt((reference * (1 - reference)) / expected);
  return share < FALL * reference && share < reference - SIGMAS * error;
}
