import type { Daypart } from "./ad-set.ts";

const HOURS_A_DAY = 24;
const HOURS_A_WEEK = 168;
const MINUTES_AN_HOUR = 60;

/**
 * The hours of the week, 0 = Monday 00:00 to 167, that lie wholly within a daypart. Of a listener's time only the hour is known,
 * so a half hour at an edge is not served rather than served too early.
 */
export function hoursOfDaypart(daypart: Daypart): number[] {
  const from = minutesOf(daypart.from);
  const to = minutesOf(daypart.to);
  const end = to > from ? to : to + HOURS_A_DAY * MINUTES_AN_HOUR;
  if (to === from) return [];
  const first = Math.ceil(from / MINUTES_AN_HOUR);
  const past = Math.floor(end / MINUTES_AN_HOUR);
  const hours = new Set<number>();
  for (const day of daypart.days) {
    for (let hour = first; hour < past; hour++) hours.add(((day - 1) * HOURS_A_DAY + hour) % HOURS_A_WEEK);
  }
  return [...hours].sort((a, b) => a - b);
}

function minutesOf(time: string): number {
  return Number(time.slice(0, 2)) * MINUTES_AN_HOUR + Number(time.slice(3, 5));
}
