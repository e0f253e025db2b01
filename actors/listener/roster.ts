import type {
  AudienceAnswer,
  AudienceRequest,
  CreativeAnswer,
  CreativeRequest,
  FrequencyRequest,
  PacingRequest,
  SafetyAnswer,
  SeparationRequest,
} from "../../protocols/roles.ts";
import type { AnyAgent } from "../../runtime/actor/agent.ts";
import type { AgentOf } from "../../runtime/actor/effects.ts";

/** The agent that plays each role: replace one to try a variant (D14). Composed by the host, because agents do not know each other. */
export interface Roster {
  readonly audience: AgentOf<AudienceRequest, AudienceAnswer>;
  readonly frequency: AgentOf<FrequencyRequest, SafetyAnswer>;
  readonly separation: AgentOf<SeparationRequest, SafetyAnswer>;
  readonly pacing: AgentOf<PacingRequest, SafetyAnswer>;
  readonly creative: AgentOf<CreativeRequest, CreativeAnswer>;
}

export interface ListenerSettings {
  readonly roster: Roster;
  /** For the decision record: which configuration decided. */
  readonly configVersion: string;
}

export type RolePartName = `${string}@${string}`;

export const partName = (agent: AnyAgent): RolePartName => `${agent.role}@${agent.variant}`;

export const agentsOf = (roster: Roster): readonly AnyAgent[] => Object.values(roster) as readonly AnyAgent[];
