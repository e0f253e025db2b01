import { localDate } from "../../actors/calendar/zone.ts";
import { type DecisionRecord, isWonBy } from "../../protocols/decision-record.ts";
import type { LocalDate } from "../../protocols/quantities.ts";
import type { WhyNotDay } from "../../protocols/why-not.ts";

/** Where the decisions counted lie: from `sinceMs` on and before `untilMs`. */
export interface WhyNotQuery {
  readonly campaignId: string;
  readonly timezone: string;
  readonly sinceMs: number;
  readonly untilMs: number;
}

type Fate = "won" | "outbid" | "vetoed" | "refused" | "absent" | "unseen";

/** Counts what became of one campaign, decision by decision, by its own days. */
export class WhyNotTally {
  readonly #query: WhyNotQuery;
  readonly #days = new Map<LocalDate, WhyNotDay>();

  constructor(query: WhyNotQuery) {
    this.#query = query;
  }

  take(record: DecisionRecord): void {
    const { campaignId, timezone, sinceMs, untilMs } = this.#query;
    if (record.test || record.at < sinceMs || record.at >= untilMs) return;
    const day = this.#day(localDate(timezone, record.at));
    const { fate, reasons } = fateOf(campaignId, record);
    day.decisions += 1;
    day[fate] += 1;
    for (const reason of new Set(reasons)) day.reasons[reason] = (day.reasons[reason] ?? 0) + 1;
  }

  /** The newest first. */
  days(): WhyNotDay[] {
    return [...this.#days.values()].sort((one, other) => (one.day < other.day ? 1 : -1));
  }

  #day(day: LocalDate): WhyNotDay {
    const known = this.#days.get(day);
    if (known !== undefined) return known;
    const counts = { decisions: 0, won: 0, outbid: 0, vetoed: 0, refused: 0, absent: 0, unseen: 0 };
    const made: WhyNotDay = { day, ...counts, reasons: {} };
    this.#days.set(day, made);
    return made;
  }
}

function fateOf(campaignId: string, record: DecisionRecord): { fate: Fate; reasons: string[] } {
  if (isWonBy(campaignId, record)) return { fate: "won", reasons: [] };
  const own = record.candidates.filter((candidate) => candidate.campaignId === campaignId);
  if (own.some(({ vetoes }) => vetoes.length === 0)) return { fate: "outbid", reasons: [] };
  if (own.length > 0)
    return {
      fate: "vetoed",
      reasons: own.flatMap(({ vetoes }) => vetoes.map(({ role, reason }) => `${role}/${reason}`)),
    };
  if (record.candidates.length < record.considered) return { fate: "unseen", reasons: [] };
  const reasons = record.considered === 0 ? Object.keys(record.vetoCounts) : [];
  return { fate: reasons.length > 0 ? "refused" : "absent", reasons };
}
