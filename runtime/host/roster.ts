import { audienceAgent } from "../../actors/audience/agent.ts";
import { budgetActor } from "../../actors/budget/actor.ts";
import { catalogActor } from "../../actors/catalog/actor.ts";
import { creativeAgent } from "../../actors/creative/agent.ts";
import { deliveryActor } from "../../actors/delivery/actor.ts";
import { frequencyAgent } from "../../actors/frequency/agent.ts";
import { listenerActor } from "../../actors/listener/actor.ts";
import { pacingAgent } from "../../actors/pacing/agent.ts";
import { separationAgent } from "../../actors/separation/agent.ts";
import { walletActor } from "../../actors/wallet/actor.ts";
import { actorRegistry, type AnyActor } from "../actor/define.ts";

/** Every kind of actor this release runs, and the agents that play the roles of a decision. */
export function roster(configVersion: string): ReadonlyMap<string, AnyActor> {
  const listener = listenerActor({
    roster: {
      audience: audienceAgent,
      frequency: frequencyAgent,
      separation: separationAgent,
      pacing: pacingAgent,
      creative: creativeAgent,
    },
    configVersion,
  });
  return actorRegistry([catalogActor, budgetActor, walletActor, listener, deliveryActor]);
}
