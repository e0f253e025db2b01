import { aimedAudienceAgent, audienceAgent } from "../../actors/audience/agent.ts";
import { budgetActor } from "../../actors/budget/actor.ts";
import { catalogActor } from "../../actors/catalog/actor.ts";
import { creativeAgent, evenCreativeAgent } from "../../actors/creative/agent.ts";
import { conversionActor } from "../../actors/conversion/actor.ts";
import { creativeLearnerActor } from "../../actors/creative-learner/actor.ts";
import { deliveryActorBy } from "../../actors/delivery/actor.ts";
import { jobActor } from "../../actors/job/actor.ts";
import { frequencyAgent, strictFrequencyAgent } from "../../actors/frequency/agent.ts";
import { listenerActor } from "../../actors/listener/actor.ts";
import type { ListenerSettings, Roster, Seat } from "../../actors/listener/roster.ts";
import { orphanActor } from "../../actors/orphan/actor.ts";
import { outsideAgent } from "../../actors/outside/agent.ts";
import { cautiousPacingAgent, pacingAgent } from "../../actors/pacing/agent.ts";
import { impersonalAgent, personalisationAgent } from "../../actors/personalisation/agent.ts";
import { qualityAgents } from "../../actors/quality/agent.ts";
import { rewardAgents } from "../../actors/reward/agent.ts";
import { adjacentSeparationAgent, separationAgent, wideSeparationAgent } from "../../actors/separation/agent.ts";
import { openThrottleAgent, throttleAgent } from "../../actors/throttle/agent.ts";
import { walletActor } from "../../actors/wallet/actor.ts";
import { rateSnapshot } from "../../protocols/currency.ts";
import { Fault } from "../../protocols/errors.ts";
import { isOutsideRole, OUTSIDE_ROLES } from "../../protocols/outside-agent.ts";
import { type Role, ROLES } from "../../protocols/roles.ts";
import type { AnyAgent } from "../actor/agent.ts";
import { actorRegistry, type AnyActor } from "../actor/define.ts";
import type { AgentSettings, VariantShare } from "../threads/agent-settings.ts";

/** Every kind of actor this release runs, and the agents that play the roles of a decision. @throws Fault CONFIG_INVALID. */
export function roster(
  settings: AgentSettings,
  { configVersion, node }: Omit<ListenerSettings, "roster" | "rates" | "attribution">,
): ReadonlyMap<string, AnyActor> {
  const { attribution } = settings;
  const rates = rateSnapshot(settings.currency.rates);
  const listener = listenerActor({ roster: castRoles(settings), rates, configVersion, node, attribution });
  const events = [deliveryActorBy(attribution), conversionActor(attribution), orphanActor];
  return actorRegistry([catalogActor, budgetActor, walletActor, listener, ...events, creativeLearnerActor, jobActor]);
}

/** The variants of this release; each role's first is its default. */
function agentsOf({ quality, reward }: AgentSettings) {
  return {
    quality: qualityAgents(quality.requestsPerMinuteMax),
    audience: [audienceAgent, aimedAudienceAgent],
    reward: rewardAgents(reward),
    frequency: [frequencyAgent, strictFrequencyAgent],
    separation: [separationAgent, wideSeparationAgent, adjacentSeparationAgent],
    pacing: [pacingAgent, cautiousPacingAgent],
    throttle: [throttleAgent, openThrottleAgent],
    personalisation: [personalisationAgent, impersonalAgent],
    creative: [creativeAgent, evenCreativeAgent],
  } as const satisfies Record<Role, readonly AnyAgent[]>;
}

/** Who plays which role, by the setting `agents`. @throws Fault CONFIG_INVALID for a variant that this release does not have. */
export function castRoles(settings: AgentSettings): Roster {
  const agents: Record<Role, readonly AnyAgent[]> = agentsOf(settings);
  const casts = ROLES.map((role) => {
    const { variants } = settings.agents[role];
    return [role, castOf(role, [...agents[role], ...outsideAgents(role, agents[role], variants)], variants)] as const;
  });
  // Each role's agents are of that role's types by `agentsOf`, which the loop over roles cannot see.
  return Object.fromEntries(casts) as unknown as Roster;
}

/** The variants of a role that are played outside (D15). @throws Fault CONFIG_INVALID where that cannot be. */
function outsideAgents(role: Role, agents: readonly AnyAgent[], variants: readonly VariantShare[]): AnyAgent[] {
  const [base] = agents;
  return variants.flatMap(({ name, outside }) => {
    if (outside === undefined || base === undefined) return [];
    const key = `agents.${role}.variants`;
    const refused = (rule: string): Fault =>
      new Fault("CONFIG_INVALID", `${key} ${name}: ${rule}`, { details: { key, value: name } });
    if (!isOutsideRole(role)) throw refused(`only ${OUTSIDE_ROLES.join(", ")} can be played outside`);
    if (agents.some(({ variant }) => variant === name)) throw refused("is a variant of this release already");
    return [outsideAgent(role, name, base, outside)];
  });
}

/** Variants with a share come first; the others keep what they remember (D14). */
function castOf(role: Role, agents: readonly AnyAgent[], variants: readonly VariantShare[]): readonly Seat<AnyAgent>[] {
  const unknown = variants.find(({ name }) => !agents.some(({ variant }) => variant === name));
  if (unknown !== undefined) {
    const known = agents.map(({ variant }) => variant).join(", ");
    throw new Fault(
      "CONFIG_INVALID",
      `agents.${role}.variants ${unknown.name}: there is no such variant, only ${known}`,
      {
        details: { key: `agents.${role}.variants`, value: unknown.name },
      },
    );
  }
  const shares = new Map(variants.map(({ name, share }) => [name, Math.round(share * 10_000)]));
  if (shares.size === 0) shares.set(agents[0]?.variant ?? "", 10_000);
  const seats = agents.map((agent) => ({ agent, share: shares.get(agent.variant) ?? 0 }));
  return seats.sort((one, other) => other.share - one.share);
}
