import type { OutsideRole, OutsideSaying } from "../../protocols/outside-agent.ts";
import type {
  CreativeAnswer,
  CreativeRequest,
  PersonalisationAnswer,
  PersonalisationRequest,
  FrequencyRequest,
  QualityAnswer,
  QualityRequest,
  RewardAnswer,
  RoleVeto,
  SafetyAnswer,
  SeparationRequest,
} from "../../protocols/roles.ts";
import type { AnyAgent, ConsultContext, OutsideTerms } from "../../runtime/actor/agent.ts";

/*
 * What an agent outside answered, turned into what its role says (D15). A safety role keeps the rules and the memory of the release's
 * own agent, and the one outside only adds to them: so caps hold whatever it says. A scoring role says what the one outside says, and
 * its default of what that leaves open.
 */

/** The variant of a role that is played outside. @param base the release's own default of the role. */
export function outsideAgent(role: OutsideRole, variant: string, base: AnyAgent, terms: OutsideTerms): AnyAgent {
  const shared = { role, variant, version: "1", purpose: base.purpose, whenFailing: base.whenFailing, outside: terms };
  const definition = (answer: AnyAgent["answer"], keeps: boolean): AnyAgent => ({
    ...shared,
    answer,
    ...(keeps && base.part !== undefined ? { part: base.part } : {}),
    ...(keeps && base.onCommitted !== undefined ? { onCommitted: base.onCommitted } : {}),
    ...(keeps && base.onEvent !== undefined ? { onEvent: base.onEvent } : {}),
  });
  switch (role) {
    case "quality":
      return definition((request: QualityRequest, context) => stricter(request, context, base), true);
    case "frequency":
    case "separation":
      return definition((request: SafetyRequest, context) => vetoed(request, context, base), true);
    case "reward":
      return definition((_request, context) => priced(context), false);
    case "personalisation":
      return definition((request: PersonalisationRequest, context) => expected(request, context, base), false);
    case "creative":
      return definition((request: CreativeRequest, context) => rotated(request, context, base), false);
  }
}

type SafetyRequest = FrequencyRequest | SeparationRequest;

const heardOf = <R extends OutsideRole>({ heard }: ConsultContext<unknown>): OutsideSaying<R> =>
  heard as OutsideSaying<R>;

const QUALITY_RANK = { allow: 0, house: 1, "no-bid": 2 } as const;

function stricter(request: QualityRequest, context: ConsultContext<unknown>, base: AnyAgent): QualityAnswer {
  const own = base.answer(request, context) as QualityAnswer;
  const { said } = heardOf<"quality">(context);
  if (QUALITY_RANK[own.verdict] >= QUALITY_RANK[said.verdict]) return own;
  const { v: _v, version: _version, ...answer } = said;
  return answer;
}

function vetoed(request: SafetyRequest, context: ConsultContext<unknown>, base: AnyAgent): SafetyAnswer {
  const own = base.answer(request, context) as SafetyAnswer;
  const { said, asked } = heardOf<"frequency">(context);
  const known = new Set(asked);
  // One objection to an ad set or creative is enough, however often it is said.
  const objections = new Map<string, Map<string, RoleVeto>>();
  for (const { adSetId, creativeId, reason, rule } of said.vetoes) {
    const against = objections.get(adSetId) ?? new Map<string, RoleVeto>();
    objections.set(adSetId, against);
    const veto = { proposal: -1, reason, rule, ...(creativeId === undefined ? {} : { creativeId }) };
    if (!against.has(creativeId ?? "")) against.set(creativeId ?? "", veto);
  }
  const vetoes: RoleVeto[] = [...own.vetoes];
  request.proposals.forEach(({ adSet }, proposal) => {
    if (!known.has(adSet.id)) vetoes.push({ proposal, reason: "not-asked", rule: "an agent outside is asked before" });
    for (const veto of objections.get(adSet.id)?.values() ?? []) vetoes.push({ ...veto, proposal });
  });
  return { vetoes };
}

function priced(context: ConsultContext<unknown>): RewardAnswer {
  const { nanosPerSecond, why } = heardOf<"reward">(context).said;
  return { nanosPerSecond, why };
}

function expected(
  request: PersonalisationRequest,
  context: ConsultContext<unknown>,
  base: AnyAgent,
): PersonalisationAnswer {
  const neutral = base.whenFailing(request) as PersonalisationAnswer;
  const { expectations } = heardOf<"personalisation">(context).said;
  const said = new Map(expectations.map((each) => [nameOf(each.adSetId, each.creativeId), each]));
  return {
    expectations: request.proposals.map(({ adSet, creatives }, position) =>
      creatives.flatMap(({ id }, at) => {
        // What is said of one creative comes before what is said of its whole ad set.
        const found = said.get(nameOf(adSet.id, id)) ?? said.get(nameOf(adSet.id, undefined));
        const standIn = neutral.expectations[position]?.[at];
        if (found === undefined) return standIn === undefined ? [] : [standIn];
        const { pComplete, pClick, nanos, why } = found;
        return [{ pComplete, pClick, nanos, why }];
      }),
    ),
  };
}

/** Ad sets of which nothing is said, or nothing above 0, get the role's default; what is said need not add up to 1. */
function rotated(request: CreativeRequest, context: ConsultContext<unknown>, base: AnyAgent): CreativeAnswer {
  const standIn = base.whenFailing(request) as CreativeAnswer;
  const { chances } = heardOf<"creative">(context).said;
  const said = new Map(chances.map(({ adSetId, creativeId, chance }) => [nameOf(adSetId, creativeId), chance]));
  const defaults: Record<number, string> = {};
  const wished = request.proposals.map(({ adSet, creatives }, position) => {
    const weights = creatives.map(({ id }) => said.get(nameOf(adSet.id, id)) ?? 0);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    if (total > 0) return weights.map((weight) => weight / total);
    const instead = standIn.defaults[position];
    if (instead !== undefined && creatives.length > 1) defaults[position] = instead;
    return standIn.chances[position] ?? [];
  });
  return { chances: wished, defaults };
}

const nameOf = (adSetId: string, creativeId: string | undefined): string => `${adSetId}/${creativeId ?? ""}`;
