import type { BudgetTerms } from "../../protocols/messages/budget.ts";
import type { EpochMs, LocalDate } from "../../protocols/quantities.ts";
import { addDays } from "../calendar/civil-date.ts";
import { dayStartMs, localDate } from "../calendar/zone.ts";

/** Grants of a day, and of a flight, leave this long before it begins (D16). */
const PREPARE_MS = 60_000;
/** A day's accounts are recalled this long after its midnight, so that a clock a little behind still finds them. */
const MIDNIGHT_SLACK_MS = 5_000;
/** A day is closed when it ended two days ago: longer than any reservation and than clicks count (decisioning.md 7.3). */
const CLOSE_AFTER_DAYS = 3;

/** Days whose accounts may be granted money now, the current one first. Empty while paused and outside the flight. */
export function openDays(terms: BudgetTerms, nowMs: EpochMs): readonly LocalDate[] {
  const startsAtMs = terms.startsAtMs ?? 0;
  const endsAtMs = terms.endsAtMs ?? Number.POSITIVE_INFINITY;
  if (!terms.live || nowMs < startsAtMs - PREPARE_MS || nowMs >= endsAtMs) return [];
  const today = localDate(terms.timezone, Math.max(nowMs, startsAtMs));
  const soonMs = Math.max(nowMs + PREPARE_MS, startsAtMs);
  const soon = localDate(terms.timezone, soonMs);
  return soon === today || soonMs >= endsAtMs ? [today] : [today, soon];
}

/** Days whose accounts keep what they have; all others are recalled. */
export function keptDays(terms: BudgetTerms, nowMs: EpochMs): ReadonlySet<LocalDate> {
  return new Set([...openDays(terms, nowMs), ...openDays(terms, Math.max(0, nowMs - MIDNIGHT_SLACK_MS))]);
}

/** The last day that may be closed. */
export function closableThrough(terms: BudgetTerms, nowMs: EpochMs): LocalDate {
  return addDays(localDate(terms.timezone, nowMs), -CLOSE_AFTER_DAYS);
}

/** When time alone changes something next, or null when nothing is left to happen. */
export function nextDueMs(terms: BudgetTerms, hasAccounts: boolean, nowMs: EpochMs): EpochMs | null {
  const startsAtMs = terms.startsAtMs ?? 0;
  const endsAtMs = terms.endsAtMs ?? Number.POSITIVE_INFINITY;
  const instants: number[] = [];
  if (terms.live) instants.push(startsAtMs - PREPARE_MS, endsAtMs + MIDNIGHT_SLACK_MS);
  if (hasAccounts || (terms.live && nowMs < endsAtMs)) {
    const today = localDate(terms.timezone, nowMs);
    const midnightMs = dayStartMs(terms.timezone, addDays(today, 1));
    instants.push(dayStartMs(terms.timezone, today) + MIDNIGHT_SLACK_MS);
    instants.push(midnightMs - PREPARE_MS, midnightMs + MIDNIGHT_SLACK_MS);
  }
  const next = Math.min(...instants.filter((instant) => instant > nowMs));
  return Number.isFinite(next) ? next : null;
}
