import type { Role } from "../../protocols/roles.ts";
import type { AttributionRules } from "../../protocols/attribution.ts";
import type { OutsideTerms } from "../actor/agent.ts";

/** For which part of all listeners a variant plays its role: from 0 to 1. */
export interface VariantShare {
  readonly name: string;
  readonly share: number;
  /** An agent outside plays it (D15). */
  readonly outside?: OutsideTerms | undefined;
}

/** Settings that decisions are made from, as a shard's task carries them: `agents`, `quality`, `reward`, `currency` and `attribution`. */
export interface AgentSettings {
  readonly agents: Readonly<Record<Role, { readonly variants: readonly VariantShare[] }>>;
  readonly currency: { readonly rates: Readonly<Record<string, number>> };
  readonly quality: { readonly requestsPerMinuteMax: number };
  readonly reward: {
    readonly nanosPerSecondHeard: number;
    readonly halfLifeMs: number;
    readonly nanosPerSecondMax: number;
  };
  readonly attribution: AttributionRules;
}
