import { readDecisionId } from "../../protocols/decision-id.ts";
import {
  type DecisionRecord,
  type EventRow,
  explainView,
  type ExplainView,
  isDecisionRecord,
} from "../../protocols/decision-record.ts";
import { instantText } from "../../protocols/campaign/instant.ts";
import { Fault } from "../../protocols/errors.ts";
import { delivery, type DeliveryView } from "../../protocols/messages/delivery.ts";
import { type EpochMs, microsOf } from "../../protocols/quantities.ts";
import type { DecisionLogReader } from "../nats/decision-log.ts";
import type { PortAsker } from "./port-asker.ts";

/** Rows are published every 50 ms (D3): a decision this young may still be on its way. */
const YOUNG_MS = 5_000;
const WAIT_MS = 1_000;
const LOOK_MS = 50;
/** How far the clocks of this node and of the server may be apart. */
const SKEW_MS = 2_000;
/** Rows of a partition are in the order of their decisions; a commit's row may stand a little later than a younger one's. */
const MARGIN_MS = 1_000;
const MESSAGES_MAX = 2_048;
const SEARCH_MS = 2_000;
const DESCRIBE_TIMEOUT_MS = 1_000;

export interface DecisionSearchOptions {
  readonly log: DecisionLogReader;
  readonly asker: Pick<PortAsker, "ask" | "partitions">;
  /** What decisions' times are ahead of the system's clock (`clock.offsetMs`). */
  readonly clockOffsetMs: number;
}

export interface DecisionQuery {
  readonly campaign?: string | undefined;
  readonly sinceMs?: EpochMs | undefined;
  readonly limit: number;
}

/** A decision in a list. */
export interface DecisionSummary {
  readonly decisionId: string;
  readonly at: string;
  readonly outcome: "bid" | "no-bid";
  readonly nbr: number | null;
  readonly test: boolean;
  readonly campaignId: string | null;
  readonly creativeId: string | null;
  readonly priceMicros: number | null;
}

/**
 * Finds decisions in their log by what an id tells: time and partition (D13). S1: a search reads at most 2,048 messages and takes at
 * most about 2 s, so events of a delivery that is long over may be missing: `eventsComplete` says so. S2: a decision made under another
 * `clock.offsetMs` than today's may not be found.
 */
export class DecisionSearch {
  readonly #options: DecisionSearchOptions;

  constructor(options: DecisionSearchOptions) {
    this.#options = options;
  }

  /**
   * Waits up to 1 s for one that was just made. @returns null when there is no such decision, or no longer, or not yet after an outage.
   * @throws Fault NATS_UNAVAILABLE.
   */
  async find(decisionId: string): Promise<(ExplainView & { readonly eventsComplete: boolean }) | null> {
    const made = readDecisionId(decisionId);
    if (made === null || made.partition >= this.#options.asker.partitions) return null;
    const untilMs = performance.now() + WAIT_MS;
    for (;;) {
      const found = await this.#locate(decisionId, made);
      if (found !== null) return { ...explainView(found.record, found.events), eventsComplete: found.complete };
      const ageMs = Date.now() + this.#options.clockOffsetMs - made.atMs;
      if (ageMs > YOUNG_MS || performance.now() >= untilMs) return null;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** The newest first, of the newest 2,048 messages of the log. @throws Fault NATS_UNAVAILABLE. */
  async list(query: DecisionQuery): Promise<readonly DecisionSummary[]> {
    const sinceMs = query.sinceMs ?? 0;
    const found: DecisionRecord[] = [];
    const budget = new SearchBudget();
    for await (const { rows, storedAtMs } of this.#options.log.newest()) {
      for (const row of rows) if (isDecisionRecord(row) && isWanted(row, query, sinceMs)) found.push(row);
      const past = storedAtMs + this.#options.clockOffsetMs + SKEW_MS < sinceMs;
      if (past || found.length >= query.limit || budget.spent()) break;
    }
    return found
      .sort((one, other) => other.at - one.at || (one.decisionId < other.decisionId ? 1 : -1))
      .slice(0, query.limit)
      .map(summaryOf);
  }

  async #locate(
    decisionId: string,
    made: NonNullable<ReturnType<typeof readDecisionId>>,
  ): Promise<{ record: DecisionRecord; events: EventRow[]; complete: boolean } | null> {
    const fromMs = Math.max(0, made.atMs - this.#options.clockOffsetMs - SKEW_MS);
    const budget = new SearchBudget();
    const scan: Scan = { decisionId, record: null, events: [], over: false };
    for await (const { rows } of this.#options.log.since(made.partition, fromMs)) {
      const before = scan.record;
      if (!take(rows, scan, made.atMs)) return null;
      const { record } = scan;
      if (before === null && record !== null) {
        if (record.outcome === "no-bid" || record.test) return { record, events: [], complete: true };
        const living = await this.#describe(decisionId, made.partition);
        if (living !== null) return { record, events: living, complete: true };
      }
      if (scan.over || budget.spent()) break;
    }
    const { record, events, over } = scan;
    return record === null ? null : { record, events, complete: over };
  }

  /** Events of a delivery that still lives; null when it is over or its partition does not answer. */
  async #describe(decisionId: string, partition: DecisionPartition): Promise<EventRow[] | null> {
    try {
      const to = { kind: delivery.name, key: decisionId, partition };
      const view = (await this.#options.asker.ask(to, "Describe", {}, DESCRIBE_TIMEOUT_MS)) as DeliveryView;
      return [...view.events];
    } catch (error) {
      if (error instanceof Fault) return null;
      throw error;
    }
  }
}

type DecisionPartition = NonNullable<ReturnType<typeof readDecisionId>>["partition"];

interface Scan {
  readonly decisionId: string;
  record: DecisionRecord | null;
  events: EventRow[];
  /** The delivery's last row was seen: there are no more events. */
  over: boolean;
}

/** @returns false when the decision would have come by now. */
function take(rows: readonly unknown[], scan: Scan, atMs: EpochMs): boolean {
  for (const row of rows) {
    if (isDecisionRecord(row)) {
      if (row.decisionId === scan.decisionId) scan.record = row;
      else if (scan.record === null && row.at > atMs + MARGIN_MS) return false;
      continue;
    }
    const { t, decisionId, event, atMs: eventMs, events } = row as Readonly<Record<string, unknown>>;
    if (decisionId !== scan.decisionId) continue;
    if (t === "event") scan.events.push({ event: String(event), atMs: Number(eventMs) });
    if (t === "outcome" && Array.isArray(events)) {
      scan.events = events as EventRow[];
      scan.over = true;
    }
  }
  return true;
}

class SearchBudget {
  readonly #untilMs = performance.now() + SEARCH_MS;
  #messages = 0;

  spent(): boolean {
    return ++this.#messages >= MESSAGES_MAX || performance.now() >= this.#untilMs;
  }
}

function isWanted(row: DecisionRecord, query: DecisionQuery, sinceMs: EpochMs): boolean {
  if (row.at < sinceMs) return false;
  return query.campaign === undefined || row.campaignId === query.campaign;
}

function summaryOf(row: DecisionRecord): DecisionSummary {
  const { decisionId, at, outcome, nbr, test, campaignId, creativeId, priceNanos } = row;
  const priceMicros = priceNanos === null ? null : microsOf(priceNanos);
  return { decisionId, at: instantText(at), outcome, nbr, test, campaignId, creativeId, priceMicros };
}
