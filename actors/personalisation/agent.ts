import type {
  CommittedDecision,
  ListenerEvent,
  PersonalisationAnswer,
  PersonalisationRequest,
} from "../../protocols/roles.ts";
import { defineAgent } from "../../runtime/actor/agent.ts";
import { aboutOf, clicked, expectationOf, heard, NEUTRAL } from "./habits.ts";
import { type PersonalisationPart, personalisationPart } from "./part.ts";

/** Ads of one listener that may still be heard or clicked; beyond, the oldest is no longer learnt from. */
const OPEN_MAX = 12;

/** Values an ad by what this listener did with its like; with the capability `profile` only. */
export const personalisationAgent = defineAgent<
  PersonalisationRequest,
  PersonalisationAnswer,
  PersonalisationPart,
  CommittedDecision,
  ListenerEvent
>({
  role: "personalisation",
  variant: "default",
  version: "1",
  purpose: "scoring",
  part: personalisationPart,
  answer(request, { part }) {
    const { proposals, context, profile } = request;
    if (!profile || part === undefined) return neutral(request);
    const expectations = proposals.map(({ adSet, creatives }) =>
      creatives.map((creative) => expectationOf(aboutOf(creative, context), adSet.bidCpmMicros, part.habits)),
    );
    return { expectations };
  },
  whenFailing: neutral,
  onCommitted(part, { decisionId, creative, context, profile, atMs }) {
    if (!profile) return undefined; // consent that was withdrawn takes what was learnt with it
    const about = aboutOf(creative, context);
    if (about.length === 0) return part;
    const open = [...(part?.open ?? []), { decisionId, about, atMs, counted: false }].slice(-OPEN_MAX);
    return { habits: part?.habits ?? [], open };
  },
  onEvent(part, { decisionId, event }) {
    const ad = part?.open.find((each) => each.decisionId === decisionId);
    if (part === undefined || ad === undefined) return part;
    if (event === "released") return { ...part, open: part.open.filter((each) => each !== ad) };
    if (event === "click") return { ...part, habits: clicked(part.habits, ad.about) };
    if (ad.counted || (event !== "complete" && event !== "skip")) return part;
    const open = part.open.map((each) => (each === ad ? { ...ad, counted: true } : each));
    return { habits: heard(part.habits, ad.about, event === "complete"), open };
  },
});

/** Says of everybody the same: what an experiment compares with. */
export const impersonalAgent = defineAgent<PersonalisationRequest, PersonalisationAnswer>({
  role: "personalisation",
  variant: "off",
  version: "1",
  purpose: "scoring",
  answer: neutral,
  whenFailing: neutral,
});

function neutral({ proposals }: PersonalisationRequest): PersonalisationAnswer {
  return { expectations: proposals.map(({ creatives }) => creatives.map(() => NEUTRAL)) };
}
