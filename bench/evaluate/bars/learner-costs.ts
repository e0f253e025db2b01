import { creativeChances, creativeSnapshot } from "../../../actors/learning/creative/allocation.ts";
import {
  closeWindow,
  CREATIVES_MAX,
  type CreativeState,
  GENRES,
  initialCreative,
  updateCreative,
  withCreatives,
} from "../../../actors/learning/creative/state.ts";
import { cadenceChances } from "../../../actors/learning/fatigue/cadence.ts";
import { initialFatigueLevel, updateFatigueLevel } from "../../../actors/learning/fatigue/shadow-price.ts";
import { initialSlope, updateSlope } from "../../../actors/learning/fatigue/slope.ts";
import { initialJoinedShare, updateJoinedShare } from "../../../actors/learning/feedback/joined-share.ts";
import {
  initialPacing,
  pacingCostMicros,
  shadowPrice,
  updatePacing,
} from "../../../actors/learning/pacing/dual-price.ts";
import { evenPlan } from "../../../actors/learning/pacing/spend-plan.ts";
import {
  hashedFeatures,
  initialHashedResponse,
  updateHashedResponse,
} from "../../../actors/learning/response/hashed-logistic.ts";
import { FEATURES_MAX, initialResponse, marginOf, updateResponse } from "../../../actors/learning/response/logistic.ts";
import { sampledMargin } from "../../../actors/learning/response/margin.ts";
import {
  initialTransfer,
  PLATFORMS,
  type PlatformEvidence,
  transferredPriors,
  updateTransfer,
} from "../../../actors/learning/transfer/platform-effects.ts";
import { streamFor } from "../worlds/chance.ts";

/** A learner at its largest, with what is timed. */
export interface LearnerCost {
  readonly name: string;
  /** One observation; what it returns is the state after it. */
  readonly update: (turn: number) => object;
  /** What a decision computes from the learner, or null where it only reads numbers. */
  readonly decide: ((turn: number) => number) | null;
}

export function learnerCosts(): LearnerCost[] {
  return [pacingCost(), creativeCost(), transferCost(), responseCost(), hashedCost(), ...fatigueCosts(), joinedCost()];
}

function pacingCost(): LearnerCost {
  let state = initialPacing(1e9, evenPlan(10_000));
  return {
    name: "pacing",
    update: (turn) =>
      (state = updatePacing(state, {
        opportunities: 1,
        spentMicros: turn % 3 === 0 ? 15_000 : 0,
        dayShare: (turn % 10_000) / 10_000,
      })),
    decide: (turn) => turn - pacingCostMicros(shadowPrice(state), 15_000),
  };
}

/** As long as an id may be, so that the bytes are the most there can be. */
const longId = (position: number): string => String(position).padStart(64, "0");

function fullCreativeState(): CreativeState {
  const random = streamFor(1, 120);
  const ids = Array.from({ length: CREATIVES_MAX }, (_, position) => longId(position));
  let state = withCreatives(initialCreative(), ids, 0);
  for (let turn = 0; turn < 60_000; turn++) {
    const [creativeId, genre, atMs] = [ids[turn % ids.length] ?? "", Math.floor(random() * GENRES), turn * 60_000];
    state = updateCreative(state, { kind: "shown", creativeId, genre, atMs });
    if (random() < 0.02) state = updateCreative(state, { kind: "converted", creativeId, genre, atMs });
    if (turn % 60 === 0) state = closeWindow(state, atMs, true);
  }
  return state;
}

function creativeCost(): LearnerCost {
  let state = fullCreativeState();
  const snapshot = creativeSnapshot(state, streamFor(1, 121));
  const ids = snapshot.creativeIds.slice(0, 8);
  const atMs = state.updatedMs;
  return {
    name: "creative",
    update: (turn) =>
      (state = updateCreative(state, {
        kind: turn % 50 === 0 ? "converted" : "shown",
        creativeId: snapshot.creativeIds[turn % snapshot.creativeIds.length] ?? "",
        genre: turn % GENRES,
        atMs: atMs + turn * 100,
      })),
    decide: (turn) => creativeChances(snapshot, turn % GENRES, ids)[0] ?? 0,
  };
}

function transferCost(): LearnerCost {
  const evidence = PLATFORMS.flatMap((platform): PlatformEvidence[] =>
    Array.from({ length: CREATIVES_MAX }, (_, k) => ({
      creativeId: longId(k),
      platform,
      expected: 40,
      conversions: 20 + 3 * k,
    })),
  );
  let state = initialTransfer();
  for (let campaign = 0; campaign < 60; campaign++) state = updateTransfer(state, longId(campaign), evidence);
  const priors = transferredPriors(state, evidence, "smart");
  return {
    name: "transfer (a campaign of 16 creatives on 4 platforms)",
    // An update brings a whole campaign, once a window: its cost is per creative and platform.
    update: (turn) =>
      turn % evidence.length === 0 ? (state = updateTransfer(state, longId(turn % 60), evidence)) : state,
    decide: (turn) => priors.get(longId(turn % CREATIVES_MAX))?.mean ?? 1,
  };
}

function responseCost(): LearnerCost {
  let state = initialResponse(FEATURES_MAX);
  const random = streamFor(1, 122);
  const features = Array.from({ length: 64 }, () =>
    Array.from({ length: FEATURES_MAX }, (_, k) => (k === 0 ? 1 : random() * 2 - 1)),
  );
  const at = (turn: number): number[] => features[turn % 64] ?? [];
  return {
    name: `response (${FEATURES_MAX} features)`,
    update: (turn) => (state = updateResponse(state, at(turn), turn % 30 === 0)),
    decide: (turn) => sampledMargin(marginOf(state, at(turn)), random),
  };
}

function hashedCost(): LearnerCost {
  let state = initialHashedResponse();
  const features = Array.from({ length: 64 }, (_, k) =>
    hashedFeatures(Array.from({ length: 20 }, (__, word) => `word ${k * word}`)),
  );
  return {
    name: "response, hashed (20 words)",
    update: (turn) =>
      (state = updateHashedResponse(state, features[turn % 64] ?? new Map<number, number>(), turn % 3 === 0)),
    decide: null,
  };
}

function fatigueCosts(): LearnerCost[] {
  let slope = initialSlope();
  let level = initialFatigueLevel(750_000);
  const options = [
    { ads: 1, scoreMicros: 300 },
    { ads: 1, scoreMicros: 500 },
  ];
  return [
    {
      name: "fatigue, slope",
      update: (turn) =>
        (slope = updateSlope(slope, {
          cell: (turn % 3) as 0 | 1 | 2,
          hours: turn % 7,
          load: 3 + (turn % 3),
          hoursBefore: turn % 5,
        })),
      decide: null,
    },
    {
      name: "fatigue, level and cadence",
      update: (turn) => (level = updateFatigueLevel(level, { load: 3 + (turn % 3), target: 4 })),
      decide: (turn) =>
        cadenceChances({ nowMs: turn * 1_000_000, lastBreakMs: 0, adsLastHour: turn % 12 }, options).none,
    },
  ];
}

function joinedCost(): LearnerCost {
  let state = initialJoinedShare();
  return {
    name: "joined share",
    update: (turn) => (state = updateJoinedShare(state, 1, turn % 10 === 0 ? 0 : 1)),
    decide: null,
  };
}
