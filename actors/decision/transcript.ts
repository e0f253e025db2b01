import type { AdSetEntry } from "../../protocols/catalog-index.ts";
import type { RateSnapshot } from "../../protocols/currency.ts";
import type { DecisionRequest } from "../../protocols/messages/listener.ts";
import type { EpochMs, Nanos } from "../../protocols/quantities.ts";
import { type Role, ROLES } from "../../protocols/roles.ts";
import type { AnyAgent, Outcome, Verdict } from "../../runtime/actor/agent.ts";
import type { Heard } from "../../runtime/actor/transient.ts";
import type { DecisionInputs } from "./decision.ts";

/**
 * Everything a decision was made from, besides the catalog of its version: replay makes the same decision again from it, bit for bit
 * (D13, X1). Holds parts of the listener's state, so it is stored sealed only.
 */
export interface Transcript {
  readonly v: 2;
  /** Version of the catalog; null: the shard had none yet. */
  readonly catalog: number | null;
  readonly nowMs: EpochMs;
  readonly sessionStartedMs: EpochMs;
  readonly recent: number;
  readonly upliftMax: number;
  readonly request: DecisionRequest;
  /** Campaigns that the wallet had refused before the roles were asked for the last time. */
  readonly refused: readonly string[];
  /** Absent: nothing was converted. */
  readonly rates?: RateSnapshot;
  /** The wallet refused the last answer too, and no other was tried. */
  readonly unpaid: boolean;
  /** In the order of `ROLES`: who played it, its part of the listener's state, and what one outside the process answered. */
  readonly roles: readonly (readonly [variant: string, version: string, part: unknown, heard?: unknown])[];
  /** What the wallet had for an ad set's campaign: ordinal, nanos, ordinal, nanos, … */
  readonly free: readonly number[];
  /** What learners had published as the agents saw it: topic, value. */
  readonly topics?: readonly (readonly [topic: string, value: unknown])[];
  /** Consultations that went wrong, by their number from 0: replay imposes the same. */
  readonly imposed: readonly (readonly [consultation: number, outcome: Exclude<Outcome, "answered">])[];
}

/** Who plays a role, with the part it is passed. */
interface Player {
  readonly agent: AnyAgent;
  readonly part: unknown;
  readonly heard: Heard | undefined;
}

/** Takes down what the roles are passed and how they answer; only the last deliberation counts, where a wallet refused one. */
export class TranscriptTaker {
  readonly #players = new Map<Role, Player>();
  #inputs: DecisionInputs | null = null;
  #free: number[] = [];
  #imposed: [number, Exclude<Outcome, "answered">][] = [];
  #topics = new Map<string, unknown>();
  #consultations = 0;

  /** @param heard of an agent outside, what became of the question to it (D15). */
  plays(role: Role, agent: AnyAgent, part: unknown, heard?: Heard): void {
    this.#players.set(role, { agent, part, heard });
  }

  /** A deliberation begins: what was taken down of an earlier one is dropped. */
  begins(inputs: DecisionInputs): void {
    this.#inputs = { ...inputs, refusedCampaigns: [...inputs.refusedCampaigns] };
    this.#free = [];
    this.#imposed = [];
    this.#topics = new Map();
    this.#consultations = 0;
  }

  answered<Answer>(verdict: Verdict<Answer>): Verdict<Answer> {
    if (verdict.outcome !== "answered") this.#imposed.push([this.#consultations, verdict.outcome]);
    this.#consultations++;
    for (const { topic, value } of verdict.read ?? []) this.#topics.set(topic, value);
    return verdict;
  }

  looked(adSet: AdSetEntry, nanos: Nanos): Nanos {
    this.#free.push(adSet.ordinal, nanos);
    return nanos;
  }

  /** @param end how the decision came out, as far as the kernel cannot tell. */
  transcript(end: Pick<Transcript, "catalog" | "unpaid">): Transcript {
    if (this.#inputs === null) throw new Error("nothing was deliberated");
    const { nowMs, sessionStartedMs, recent, upliftMax, request, refusedCampaigns, rates } = this.#inputs;
    return {
      v: 2,
      catalog: end.catalog,
      nowMs,
      sessionStartedMs,
      recent,
      upliftMax,
      request,
      refused: refusedCampaigns,
      ...(rates === undefined || rates === null ? {} : { rates }),
      unpaid: end.unpaid,
      roles: ROLES.map((role) => {
        const player = this.#players.get(role);
        if (player === undefined) return ["", "", null];
        const { agent, part = null, heard } = player;
        if (agent.outside === undefined) return [agent.variant, agent.version, part];
        return [agent.variant, heard?.hearing?.version ?? agent.version, part, heard?.hearing?.answer ?? null];
      }),
      free: this.#free,
      ...(this.#topics.size === 0 ? {} : { topics: [...this.#topics] }),
      imposed: this.#imposed,
    };
  }
}
