import type { CommittedDecision, ListenerEvent, RewardAnswer, RewardRequest } from "../../protocols/roles.ts";
import type { EpochMs } from "../../protocols/quantities.ts";
import { defineAgent } from "../../runtime/actor/agent.ts";
import { type RewardPart, rewardPart } from "./part.ts";

/**
 * A published price of the listener's time (learning.md 1: one objective, prices that add). Until it is learnt it is a straight line:
 * what one second of ad costs grows with the seconds of ad heard lately, and ends at what Pandora's trial makes an ad-second worth.
 */
export interface RewardSlope {
  /** Nanos that a second of ad costs more for each second of ads heard lately. */
  readonly nanosPerSecondHeard: number;
  /** A second heard this long ago counts half. */
  readonly halfLifeMs: number;
  /** Nanos that a second of ad costs at most. */
  readonly nanosPerSecondMax: number;
}

/** Ads kept for one listener: at twelve an hour, those of more than five half-lives. */
const HEARD_MAX = 32;

/** A variant of the role for each slope. */
function rewardBy(variant: string, slope: RewardSlope) {
  return defineAgent<RewardRequest, RewardAnswer, RewardPart, CommittedDecision, ListenerEvent>({
    role: "reward",
    variant,
    version: "1",
    purpose: "scoring",
    part: rewardPart,
    answer({ aheadMs = 0 }, { part, nowMs }) {
      const seconds = secondsHeard(part, slope.halfLifeMs, nowMs) + aheadMs / 1000;
      const nanosPerSecond = Math.min(slope.nanosPerSecondMax, Math.round(seconds * slope.nanosPerSecondHeard));
      const why = `${Math.round(seconds)} s of ads lately: ${nanosPerSecond / 1_000} micros a second`;
      return { nanosPerSecond, why };
    },
    whenFailing: () => ({
      nanosPerSecond: 0,
      why: "the listener's time is not priced",
    }),
    onCommitted(part, { decisionId, creative, atMs }) {
      const { durationMs } = creative;
      return { heard: [...(part?.heard ?? []), { decisionId, atMs, durationMs }].slice(-HEARD_MAX) };
    },
    onEvent(part, { decisionId, event, atMs }) {
      const ad = part?.heard.find((each) => each.decisionId === decisionId);
      if (part === undefined || ad === undefined) return part;
      const others = part.heard.filter((each) => each !== ad);
      if (event === "released") return { heard: others };
      if (event === "billed") return { heard: [...others, { ...ad, atMs }].sort((a, b) => a.atMs - b.atMs) };
      if (event !== "skip") return part;
      const heardMs = Math.max(0, Math.min(ad.durationMs, atMs - ad.atMs));
      return { heard: part.heard.map((each) => (each === ad ? { ...ad, durationMs: heardMs } : each)) };
    },
  });
}

/** Seconds of ad, each counted less the longer ago it was. */
function secondsHeard(part: RewardPart | undefined, halfLifeMs: number, nowMs: EpochMs): number {
  let seconds = 0;
  for (const { atMs, durationMs } of part?.heard ?? [])
    seconds += (durationMs / 1000) * 0.5 ** (Math.max(0, nowMs - atMs) / halfLifeMs);
  return seconds;
}

/** The agents of the role: the published slope, one ten times as steep, and none. */
export const rewardAgents = (slope: RewardSlope) =>
  [
    rewardBy("default", slope),
    rewardBy("steep", { ...slope, nanosPerSecondHeard: slope.nanosPerSecondHeard * 10 }),
    rewardBy("off", { ...slope, nanosPerSecondHeard: 0 }),
  ] as const;
