import type { RateSnapshot } from "../../protocols/currency.ts";
import { fnv1a32, mix32 } from "../../protocols/hash.ts";
import type { AttributionRules } from "../../protocols/attribution.ts";
import type { ArmRow } from "../../protocols/decision-record.ts";
import {
  type AudienceAnswer,
  type AudienceRequest,
  type CreativeAnswer,
  type CreativeRequest,
  type FrequencyRequest,
  type PacingRequest,
  type PersonalisationAnswer,
  type PersonalisationRequest,
  type QualityAnswer,
  type QualityRequest,
  type RewardAnswer,
  type RewardRequest,
  type Role,
  ROLES,
  type SafetyAnswer,
  type SeparationRequest,
  type ThrottleAnswer,
  type ThrottleRequest,
} from "../../protocols/roles.ts";
import type { AnyAgent } from "../../runtime/actor/agent.ts";
import type { AgentOf } from "../../runtime/actor/effects.ts";

/** Of how many a variant's share is counted: 10,000 are all listeners. */
const BUCKETS = 10_000;

/** One variant of a role, and for how many of 10,000 listeners it plays; 0 = for none, but its memory is kept (D14). */
export interface Seat<Agent> {
  readonly agent: Agent;
  readonly share: number;
}

/** All variants of a role; their shares add up to 10,000. */
export type Cast<Request, Answer> = readonly Seat<AgentOf<Request, Answer>>[];

/** Who plays each role. Composed by the host, because agents do not know each other. */
export interface Roster {
  readonly quality: Cast<QualityRequest, QualityAnswer>;
  readonly audience: Cast<AudienceRequest, AudienceAnswer>;
  readonly reward: Cast<RewardRequest, RewardAnswer>;
  readonly frequency: Cast<FrequencyRequest, SafetyAnswer>;
  readonly separation: Cast<SeparationRequest, SafetyAnswer>;
  readonly pacing: Cast<PacingRequest, SafetyAnswer>;
  readonly throttle: Cast<ThrottleRequest, ThrottleAnswer>;
  readonly personalisation: Cast<PersonalisationRequest, PersonalisationAnswer>;
  readonly creative: Cast<CreativeRequest, CreativeAnswer>;
}

export interface ListenerSettings {
  readonly roster: Roster;
  /** What currencies are worth; absent or null: nothing is converted. */
  readonly rates?: RateSnapshot | null;
  /** For the decision record: which configuration decided, and on which node. */
  readonly configVersion: string;
  readonly node: string;
  /** Windows of conversions; default: those of decisioning.md 7.3. */
  readonly attribution?: AttributionRules;
}

/** A role that one agent plays for everybody. */
export function only<Request, Answer>(agent: AgentOf<Request, Answer>): Cast<Request, Answer> {
  return [{ agent, share: BUCKETS }];
}

/**
 * The variant that plays for a listener: by a hash of key and role, so that it stays the same, and roles are independent of each other
 * (decisioning.md 7.5).
 */
export function chosen<Agent extends AnyAgent>(cast: readonly Seat<Agent>[], key: string): Seat<Agent> {
  const [first] = cast;
  if (first === undefined) throw new Error("a role without an agent");
  if (first.share >= BUCKETS) return first;
  let bucket = mix32(fnv1a32(`${first.agent.role}/${key}`)) % BUCKETS;
  for (const seat of cast) {
    if (bucket < seat.share) return seat;
    bucket -= seat.share;
  }
  return first;
}

/** The arms of roles that more than one variant plays, as a record names them. */
export function armsOf(roster: Roster, key: string): readonly ArmRow[] {
  const arms: ArmRow[] = [];
  for (const role of ROLES) {
    const cast: readonly Seat<AnyAgent>[] = roster[role];
    if ((cast[0]?.share ?? 0) >= BUCKETS) continue;
    const { agent, share } = chosen(cast, key);
    arms.push({ layer: role, arm: agent.variant, probability: share / BUCKETS });
  }
  return arms;
}

export type RolePartName = `${string}@${string}`;

export const partName = (agent: AnyAgent): RolePartName => `${agent.role}@${agent.variant}`;

/** Every variant of every role. */
export const agentsOf = (roster: Roster): readonly AnyAgent[] =>
  ROLES.flatMap((role) => (roster[role] as readonly Seat<AnyAgent>[]).map(({ agent }) => agent));

/** The roles, each with its variants. */
export const castsOf = (roster: Roster): readonly (readonly Seat<AnyAgent>[])[] =>
  ROLES.map((role: Role) => roster[role] as readonly Seat<AnyAgent>[]);
