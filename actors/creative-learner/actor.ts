import {
  type CreativeTable,
  CHANCE_UNITS,
  creativeLearner,
  creativeTopic,
} from "../../protocols/messages/creative-learner.ts";
import { defineActor } from "../../runtime/actor/define.ts";
import type { Effects } from "../../runtime/actor/effects.ts";
import { restart } from "../../runtime/actor/supervision.ts";
import { creativeSnapshot } from "../learning/creative/allocation.ts";
import { closeWindow, type CreativeObservation, updateCreative } from "../learning/creative/state.ts";
import { judgeWindow, updateJoinedShare } from "../learning/feedback/joined-share.ts";
import { initialLearner, learnerState, type LearnerState, withCreative } from "./state.ts";

/** Between two looks at what came in; a table is published when a window of feedback has closed. */
const LOOK_MS = 10_000;

/**
 * Which creatives of one campaign are responded to (learning.md 1). E1: what came in a window whose feedback was missing is not learnt
 * from. E2: versions of the published table only rise. E3: a frozen learner counts on and publishes nothing new.
 */
export const creativeLearnerActor = defineActor(creativeLearner, {
  state: learnerState,
  supervision: restart(),
  passivateAfterMs: 60_000,
  handlers: {
    Shown: (state, { creativeId, genre, atMs }, fx) => {
      const known = { ...state, creatives: withCreative(state.creatives, creativeId, atMs) };
      return observed(known, { kind: "shown", creativeId, genre, atMs }, fx, 1);
    },
    Responded: (state, heard, fx) => observed(state, { kind: "converted", ...heard }, fx, null),
    Missed: (state, _missed, fx) => observed(state, null, fx, 0),
    Freeze(state, { frozen }, fx) {
      const { changed, table } = published({ ...state, isFrozen: frozen }, fx);
      fx.reply(table);
      return changed;
    },
    Reset(state, _question, fx) {
      const { version, isFrozen } = state;
      const { changed, table } = published({ ...initialLearner(), version, isFrozen }, fx);
      fx.reply(table);
      return changed;
    },
  },
  timers: {
    look(state, fx) {
      const { verdict, state: share } = judgeWindow(state.share);
      if (verdict === "open") return state;
      const creatives = closeWindow(state.creatives, fx.nowMs, verdict === "joined");
      const closed = { ...state, creatives, share };
      return state.isFrozen ? closed : published(closed, fx).changed;
    },
  },
});

/** @param joined 1: a bid was heard of, 0: it was not; null: it was counted before. */
function observed(
  state: LearnerState,
  observation: CreativeObservation | null,
  fx: Effects,
  joined: 0 | 1 | null,
): LearnerState {
  // One timer at a time; it fires again only when something came.
  fx.setTimer("look", Math.ceil((fx.nowMs + 1) / LOOK_MS) * LOOK_MS);
  return {
    ...state,
    creatives: observation === null ? state.creatives : updateCreative(state.creatives, observation),
    share: joined === null ? state.share : updateJoinedShare(state.share, 1, joined),
  };
}

/** @returns the table as it was published: a second one would be drawn anew. */
function published(state: LearnerState, fx: Effects): { changed: LearnerState; table: CreativeTable } {
  const changed = { ...state, version: state.version + 1 };
  const table = tableOf(changed, fx);
  fx.publish(creativeTopic(fx.key), changed.version, table);
  return { changed, table };
}

/** Chances as local agents draw from; rounded once, here, so that what is logged is what was drawn from. */
function tableOf(state: LearnerState, fx: Effects): CreativeTable {
  const { creativeIds, chances, effects, campaignRate } = creativeSnapshot(state.creatives, () => fx.random());
  return {
    campaignId: fx.key,
    atMs: fx.nowMs,
    chances: chances.map((row) => row.map((chance) => Math.round(chance * CHANCE_UNITS))),
    effects: effects.map(({ mean, low, high, shown, nEff, conversions }, position) => ({
      creativeId: creativeIds[position] ?? "",
      mean,
      low,
      high,
      shown,
      known: nEff,
      responses: conversions,
    })),
    responseRate: campaignRate,
    state: state.isFrozen ? "frozen" : state.share.verdict,
  };
}
