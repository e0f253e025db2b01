import type { CatalogIndex } from "../../protocols/catalog-index.ts";
import { type Role, ROLES } from "../../protocols/roles.ts";
import type { AnyAgent, Verdict } from "../../runtime/actor/agent.ts";
import { type Decision, type Roles, unpaid } from "./decision.ts";
import { decide } from "./kernel.ts";
import type { Transcript } from "./transcript.ts";

/** Where a decision is made again. */
export interface ReplayWorld {
  /** Of the transcript's version. */
  readonly catalog: CatalogIndex;
  readonly agentOf: (role: Role, variant: string) => AnyAgent | undefined;
  /** The draws of a role in the decision of that seed. */
  readonly randomOf: (role: Role, seed: string) => () => number;
}

/** The decision, or why it cannot be made again. */
export type Replayed =
  { readonly ok: true; readonly decision: Decision } | { readonly ok: false; readonly reason: string };

/** Makes a decision again: asks the same agents with what they were passed then, and lets those fail that failed (D13). */
export function replay(transcript: Transcript, seed: string, world: ReplayWorld): Replayed {
  const agents = new Map<Role, AnyAgent>();
  for (const [at, role] of ROLES.entries()) {
    const [variant = "", version = ""] = transcript.roles[at] ?? [];
    const agent = world.agentOf(role, variant);
    if (agent === undefined) return { ok: false, reason: `${role}@${variant} is not among the variants of this node` };
    // What an agent outside answered is at hand, whatever it has become since.
    if (agent.outside === undefined && agent.version !== version)
      return { ok: false, reason: `${role}@${variant} was version ${version} and is ${agent.version} now` };
    agents.set(role, agent);
  }
  const { nowMs, sessionStartedMs, recent, upliftMax, request, refused, rates = null } = transcript;
  const inputs = { nowMs, sessionStartedMs, recent, upliftMax, request, refusedCampaigns: refused, rates };
  const roles = rolesOf(transcript, agents, seed, world);
  const decision = decide(inputs, { catalog: world.catalog }, roles, seed);
  const paid = transcript.unpaid ? unpaid(decision) : decision;
  return { ok: true, decision: transcript.catalog === null ? { ...paid, nbr: 0 } : paid };
}

function rolesOf(transcript: Transcript, agents: ReadonlyMap<Role, AnyAgent>, seed: string, world: ReplayWorld): Roles {
  const { nowMs } = transcript;
  const imposed = new Map(transcript.imposed);
  const free = new Map<number, number>();
  for (let at = 0; at + 1 < transcript.free.length; at += 2)
    free.set(transcript.free[at] ?? 0, transcript.free[at + 1] ?? 0);
  const topics = new Map(transcript.topics);
  const snapshot = (topic: string): unknown => topics.get(topic);
  let consultations = 0;
  const asked = (role: Role) => {
    const agent = agents.get(role);
    if (agent === undefined) throw new Error(`nobody plays ${role}`);
    const [variant, version, part, heard] = transcript.roles[ROLES.indexOf(role)] ?? ["", "", null];
    return (question: unknown): Verdict<never> => {
      const outcome = imposed.get(consultations++) ?? "answered";
      const random = world.randomOf(role, seed);
      const answer: unknown =
        outcome === "answered"
          ? agent.answer(question, { part: part ?? undefined, nowMs, random, snapshot, heard })
          : agent.whenFailing(question);
      return { role, variant, version, outcome, answer: answer as never, micros: 0 };
    };
  };
  return {
    quality: asked("quality"),
    audience: asked("audience"),
    reward: asked("reward"),
    frequency: asked("frequency"),
    separation: asked("separation"),
    pacing: asked("pacing"),
    throttle: asked("throttle"),
    personalisation: asked("personalisation"),
    creative: asked("creative"),
    freeNanos: ({ ordinal }) => free.get(ordinal) ?? 0,
  };
}
