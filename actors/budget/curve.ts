import type { BudgetTerms } from "../../protocols/messages/budget.ts";
import type { EpochMs, LocalDate, Micros } from "../../protocols/quantities.ts";
import { addDays } from "../calendar/civil-date.ts";
import { dayStartMs } from "../calendar/zone.ts";

/*
 * How much of a budget may be out by now (P1, ADR 0010). A pace is a curve from the beginning of a day, or of the flight where there is
 * no daily budget, to its end; the ledger grants along it, so that it holds over all partitions however traffic is spread.
 */

/** Money is released this far ahead, so that a grant is there before it is needed. */
const AHEAD_MS = 600_000;
/** How often the ledger looks whether the curve has moved, while a wallet waits. */
const RELEASE_EVERY_MS = 60_000;
/** Listening by hour of the day, as audio traffic usually has it: night low, morning and late afternoon high. In sum 100. */
const TRAFFIC = [1, 1, 1, 1, 1, 2, 4, 6, 7, 6, 5, 5, 5, 5, 5, 6, 7, 7, 6, 5, 5, 4, 3, 2] as const;

const isPaced = ({ pacing }: BudgetTerms): boolean => pacing !== "asap";

/** Share of a day's budget that a pace lets out in the first `share` of the day. */
function released(pacing: BudgetTerms["pacing"], share: number): number {
  switch (pacing) {
    case "asap":
      return 1;
    case "even":
      return share;
    case "front-loaded":
      // Begins at twice the even rate and ends at none.
      return share * (2 - share);
    case "traffic": {
      const hours = Math.min(TRAFFIC.length, share * TRAFFIC.length);
      const whole = Math.floor(hours);
      const before = TRAFFIC.slice(0, whole).reduce((sum, weight) => sum + weight, 0);
      return (before + (hours - whole) * (TRAFFIC[whole] ?? 0)) / 100;
    }
  }
}

/** What may be out of the budget of `day` at `nowMs`; days of 23 and 25 hours have curves as long. */
export function releasedOfDay(terms: BudgetTerms, day: LocalDate, nowMs: EpochMs): Micros {
  if (terms.dailyMicros === null || !isPaced(terms)) return terms.dailyMicros ?? Number.POSITIVE_INFINITY;
  const startMs = Math.max(dayStartMs(terms.timezone, day), terms.startsAtMs ?? 0);
  const endMs = Math.min(dayStartMs(terms.timezone, addDays(day, 1)), terms.endsAtMs ?? Number.POSITIVE_INFINITY);
  return along(terms, terms.dailyMicros, startMs, endMs, nowMs);
}

/** The same for a lifetime budget without a daily one, over the flight; without a flight's both ends there is no curve. */
export function releasedOfLife(terms: BudgetTerms, nowMs: EpochMs): Micros {
  const { lifetimeMicros, dailyMicros, startsAtMs, endsAtMs } = terms;
  if (lifetimeMicros === null) return Number.POSITIVE_INFINITY;
  if (dailyMicros !== null || startsAtMs === null || endsAtMs === null || !isPaced(terms)) return lifetimeMicros;
  return along(
    { ...terms, pacing: terms.pacing === "traffic" ? "even" : terms.pacing },
    lifetimeMicros,
    startsAtMs,
    endsAtMs,
    nowMs,
  );
}

function along(terms: BudgetTerms, micros: Micros, startMs: EpochMs, endMs: EpochMs, nowMs: EpochMs): Micros {
  if (endMs <= startMs) return micros;
  const share = Math.max(0, Math.min(1, (nowMs + AHEAD_MS - startMs) / (endMs - startMs)));
  // At least one impression, so that a small budget begins; never more than there is.
  const least = Math.ceil(terms.impressionNanosMax / 1000);
  return Math.min(micros, Math.max(least, Math.floor(micros * released(terms.pacing, share))));
}

/** When to look again whether the curve has moved; null while nothing is held back, or nobody waits for it. */
export function nextReleaseMs(terms: BudgetTerms, isWanted: boolean, nowMs: EpochMs): EpochMs | null {
  const hasBudget = terms.dailyMicros !== null || terms.lifetimeMicros !== null;
  return isWanted && terms.live && hasBudget && isPaced(terms) ? nowMs + RELEASE_EVERY_MS : null;
}
