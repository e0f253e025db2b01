import type { CreativeEntry } from "../../protocols/catalog-index.ts";
import type { CoarseContext } from "../../protocols/messages/listener.ts";
import type { Expectation } from "../../protocols/roles.ts";
import type { PersonalisationPart } from "./part.ts";

/*
 * What this listener did with ads like this one, and at moments like this one, counted against the prior of all listeners. Rules, not
 * learning: the learners' weights will stand in the place of the prior (learning.md 1).
 */

type Habits = PersonalisationPart["habits"];

/**
 * Of 100 ads 96 are heard to the end (learning.md 2); half of one is clicked, as companions of audio ads are (assumed). A prior weighs
 * as many ads as a listener hears in an afternoon, that of clicks more, because one click must not say much.
 */
const PRIOR = { complete: 0.96, completeWeight: 20, click: 0.005, clickWeight: 200 } as const;
/** What a click more than usual is worth beside an ad that is heard to the end, as a share of the bid. */
const CLICK_SHARE = 0.1;
/** Counts halve with about 23 further ads of the same kind: taste changes. */
const DECAY = 0.97;
const HABITS_MAX = 24;
const CATEGORIES_MAX = 4;
const GENRES_MAX = 2;

/** What nobody in particular is expected to do. */
export const NEUTRAL: Expectation = { pComplete: PRIOR.complete, pClick: PRIOR.click, nanos: 0, why: "as everybody" };

/** What an ad at this moment is counted under: its categories at tier 1, and genre by time of day. */
export function aboutOf(creative: CreativeEntry, context: CoarseContext): string[] {
  const categories = [...new Set(creative.categories.map(tier1))].slice(0, CATEGORIES_MAX);
  const time = timeOfDay(context.hourOfWeek);
  const moments = context.genres.slice(0, GENRES_MAX).map((genre) => `${genre.slice(0, 32).toLowerCase()} ${time}`);
  return [...categories, ...moments];
}

const tier1 = (category: string): string => category.split("-", 1)[0] ?? category;

function timeOfDay(hourOfWeek: number | undefined): string {
  if (hourOfWeek === undefined) return "any time";
  return ["at night", "in the morning", "in the afternoon", "in the evening"][Math.floor((hourOfWeek % 24) / 6)] ?? "";
}

/** A bid is worth the more, the likelier the ad is heard to its end or clicked, in proportion to the prior. */
export function expectationOf(about: readonly string[], bidNanos: number, habits: Habits): Expectation {
  const known = habits.filter((habit) => about.includes(habit.about));
  if (known.length === 0) return NEUTRAL;
  const heard = sumOf(known, "heard");
  const pComplete =
    (sumOf(known, "completed") + PRIOR.complete * PRIOR.completeWeight) / (heard + PRIOR.completeWeight);
  const pClick = (sumOf(known, "clicked") + PRIOR.click * PRIOR.clickWeight) / (heard + PRIOR.clickWeight);
  const share = pComplete / PRIOR.complete - 1 + CLICK_SHARE * (pClick / PRIOR.click - 1);
  const names = known.map((habit) => habit.about).join(", ");
  return {
    pComplete,
    pClick,
    nanos: Math.trunc(bidNanos * share),
    why: `${names}: ${Math.round(pComplete * 100)} of 100 ads heard to the end`,
  };
}

const sumOf = (habits: Habits, count: "heard" | "completed" | "clicked"): number =>
  habits.reduce((sum, habit) => sum + habit[count], 0);

/** An ad that was heard to its end, or was not. */
export function heard(habits: Habits, about: readonly string[], completed: boolean): Habits {
  const others = habits.filter((habit) => !about.includes(habit.about));
  const touched = about.map((name) => {
    const before = habits.find((habit) => habit.about === name);
    return {
      about: name,
      heard: (before?.heard ?? 0) * DECAY + 1,
      completed: (before?.completed ?? 0) * DECAY + (completed ? 1 : 0),
      clicked: (before?.clicked ?? 0) * DECAY,
    };
  });
  return [...others, ...touched].slice(-HABITS_MAX);
}

/** A click on an ad; what was never heard of it is not counted. */
export function clicked(habits: Habits, about: readonly string[]): Habits {
  return habits.map((habit) => (about.includes(habit.about) ? { ...habit, clicked: habit.clicked + 1 } : habit));
}
