import { z } from "zod";
import { EpochMs } from "../../protocols/quantities.ts";
import type { VersionedState } from "../../runtime/actor/state.ts";

/** How this listener met the ads of one kind, or those of one genre at one time of day; counts are decayed. */
const Habit = z.object({ about: z.string(), heard: z.number(), completed: z.number(), clicked: z.number() });

/** Ads that may still be completed, skipped or clicked, what they are counted under, and whether they have been (a click comes later). */
const Open = z.object({ decisionId: z.string(), about: z.array(z.string()), atMs: EpochMs, counted: z.boolean() });

export const PersonalisationPart = z.object({ habits: z.array(Habit), open: z.array(Open) });
export type PersonalisationPart = z.infer<typeof PersonalisationPart>;

export const personalisationPart: VersionedState<PersonalisationPart> = {
  version: 1,
  schema: PersonalisationPart,
  personal: true,
};
