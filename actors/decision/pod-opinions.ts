import type { VetoRow } from "../../protocols/decision-record.ts";
import type { Nanos } from "../../protocols/quantities.ts";
import type {
  AheadAd,
  CreativeAnswer,
  PersonalisationAnswer,
  Proposal,
  RewardAnswer,
  RoleVeto,
} from "../../protocols/roles.ts";
import type { Deliberation } from "./deliberation.ts";

/** What all roles say of the lines at one place, given the ads ahead of it. */
export interface PodOpinions {
  readonly reward: RewardAnswer;
  readonly personalisation: PersonalisationAnswer;
  readonly creative: CreativeAnswer;
  /** By line: the chance to take part in a decision. */
  readonly chances: readonly number[];
  /** By line: how many more ads of its campaign the answer may hold. */
  readonly left: readonly number[];
  /** By line: what stands against it at this place. */
  readonly vetoes: readonly (readonly VetoRow[])[];
  /** Whether a creative of a line is vetoed at this place, and at every later one. */
  readonly isOut: (line: number, creativeId: string) => "no" | "now" | "always";
}

/** Asks every role about all lines; safety answers are a set union. */
export function opinionsAt(
  deliberation: Deliberation,
  proposals: readonly Proposal[],
  freeNanos: readonly Nanos[],
  ahead: readonly AheadAd[],
): PodOpinions {
  const { inputs, roles, tally } = deliberation;
  const { sessionStartedMs } = inputs;
  const { context, capabilities } = inputs.request;
  const aheadMs = ahead.reduce((sum, { creative }) => sum + creative.durationMs, 0);
  const frequency = roles.frequency({ proposals, sessionStartedMs, ahead });
  const separation = roles.separation({ proposals, ahead });
  const pacing = roles.pacing({ proposals, freeNanos });
  const reward = roles.reward({ context, sessionStartedMs, aheadMs });
  const throttle = roles.throttle({ proposals, freeNanos });
  const personalisation = roles.personalisation({ proposals, context, profile: capabilities.profile });
  const creative = roles.creative({ proposals, context, ahead });
  for (const verdict of [frequency, separation, pacing, reward, throttle, personalisation, creative])
    tally.consulted(verdict);
  const against = new Against();
  against.take("frequency", frequency.answer.vetoes);
  against.take("separation", separation.answer.vetoes);
  against.take("pacing", pacing.answer.vetoes);
  return {
    reward: reward.answer,
    personalisation: personalisation.answer,
    creative: creative.answer,
    chances: proposals.map((_, line) => Math.max(0, Math.min(1, throttle.answer.chances[line] ?? 1))),
    left: proposals.map((_, line) => frequency.answer.left?.[line] ?? Infinity),
    vetoes: proposals.map((_, line) => against.rows.get(line) ?? []),
    isOut: (line, creativeId) => against.isOut(line, creativeId),
  };
}

/** The union of what the safety roles have against lines and their creatives. */
class Against {
  readonly rows = new Map<number, VetoRow[]>();
  readonly #now = new Set<string>();
  readonly #always = new Set<string>();

  take(role: string, vetoes: readonly RoleVeto[]): void {
    for (const { proposal, creativeId, reason, rule, reachAds } of vetoes) {
      const rows = this.rows.get(proposal) ?? [];
      rows.push({ role, reason, rule });
      this.rows.set(proposal, rows);
      (reachAds === undefined ? this.#always : this.#now).add(keyOf(proposal, creativeId));
    }
  }

  isOut(line: number, creativeId: string): "no" | "now" | "always" {
    const keys = [keyOf(line, undefined), keyOf(line, creativeId)];
    if (keys.some((key) => this.#always.has(key))) return "always";
    return keys.some((key) => this.#now.has(key)) ? "now" : "no";
  }
}

const keyOf = (line: number, creativeId: string | undefined): string => `${line}/${creativeId ?? ""}`;
