import { instantText } from "../../protocols/campaign/instant.ts";
import { type DecisionRecord, decisionRecordOf, isWonBy } from "../../protocols/decision-record.ts";
import { type DecisionSummary, reasonOf } from "../../protocols/explanation.ts";
import { type EpochMs, microsOf } from "../../protocols/quantities.ts";
import type { DecisionLogReader, LoggedRows, LogPlace } from "../nats/decision-log.ts";
import { LATE_MS, SearchBudget, SKEW_MS } from "./search-budget.ts";

export interface DecisionQuery {
  /** Decisions that this campaign won, or was among the recorded candidates of. */
  readonly campaign?: string | undefined;
  readonly outcome?: "bid" | "no-bid" | undefined;
  readonly sinceMs?: EpochMs | undefined;
  readonly untilMs?: EpochMs | undefined;
  /** The page after the one that named this place. */
  readonly after?: ListPlace | undefined;
  readonly limit: number;
}

/** A row of the log: everything before it is still to be listed. */
export interface ListPlace {
  readonly sequence: number;
  readonly row: number;
}

export interface DecisionPage {
  /** The newest first. */
  readonly decisions: readonly DecisionSummary[];
  /** Where to go on; null: there are no more within the times asked for. */
  readonly next: ListPlace | null;
}

/**
 * Lists decisions by walking their log back from a place or a time. L1: one page reads at most 2,048 messages and about 2 s, and may be
 * short or empty for that; `next` goes on. L2: what was stored more than a minute after `until` is not found.
 */
export async function listDecisions(
  log: Pick<DecisionLogReader, "backwards">,
  query: DecisionQuery,
  clockOffsetMs: number,
): Promise<DecisionPage> {
  const sinceMs = query.sinceMs ?? 0;
  const found: DecisionRecord[] = [];
  const budget = new SearchBudget();
  let next: ListPlace | null = null;
  for await (const message of log.backwards(placeOf(query, clockOffsetMs))) {
    if (message.storedAtMs + clockOffsetMs + SKEW_MS < sinceMs) break;
    next = take(message, query, found);
    if (next !== null) break;
    if (budget.spent()) {
      next = { sequence: message.sequence, row: 0 };
      break;
    }
  }
  const decisions = found
    .sort((one, other) => other.at - one.at || (one.decisionId < other.decisionId ? 1 : -1))
    .map((record) => summaryOf(record, query.campaign));
  return { decisions, next };
}

function placeOf({ after, untilMs }: DecisionQuery, clockOffsetMs: number): LogPlace {
  if (after !== undefined) return { sequence: after.sequence };
  return untilMs === undefined ? "end" : { atMs: Math.max(0, untilMs - clockOffsetMs + LATE_MS) };
}

/** Takes a message's decisions from its last row back. @returns where to go on when that are enough, else null. */
function take({ sequence, rows }: LoggedRows, query: DecisionQuery, found: DecisionRecord[]): ListPlace | null {
  const end = query.after?.sequence === sequence ? Math.min(query.after.row, rows.length) : rows.length;
  for (let row = end - 1; row >= 0; row--) {
    const record = decisionRecordOf(rows[row]);
    if (record === null || !isWanted(record, query)) continue;
    if (found.length >= query.limit) return { sequence, row: row + 1 };
    found.push(record);
  }
  return null;
}

function isWanted(record: DecisionRecord, { campaign, outcome, sinceMs = 0, untilMs }: DecisionQuery): boolean {
  if (record.at < sinceMs || (untilMs !== undefined && record.at >= untilMs)) return false;
  if (outcome !== undefined && record.outcome !== outcome) return false;
  if (campaign === undefined || isWonBy(campaign, record)) return true;
  return record.candidates.some(({ campaignId }) => campaignId === campaign);
}

function summaryOf(record: DecisionRecord, campaign: string | undefined): DecisionSummary {
  const { decisionId, at, outcome, nbr, test, campaignId, adSetId, creativeId, currency, priceNanos } = record;
  return {
    decisionId,
    at: instantText(at),
    outcome,
    nbr,
    nbrReason: nbr === null ? null : reasonOf(nbr),
    test,
    campaignId,
    adSetId,
    creativeId,
    currency,
    priceMicros: priceNanos === null ? null : microsOf(priceNanos),
    ...(campaign === undefined ? {} : fateOf(campaign, record)),
  };
}

/** What became of the campaign that was asked for. */
function fateOf(campaign: string, record: DecisionRecord): Pick<DecisionSummary, "as" | "vetoes"> {
  if (isWonBy(campaign, record)) return { as: "winner", vetoes: [] };
  const own = record.candidates.filter(({ campaignId }) => campaignId === campaign);
  if (own.some(({ vetoes }) => vetoes.length === 0)) return { as: "outbid", vetoes: [] };
  return { as: "vetoed", vetoes: own.flatMap(({ vetoes }) => vetoes) };
}
