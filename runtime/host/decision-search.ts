import { decisionRecordOf, type DecisionRecord, type EventRow } from "../../protocols/decision-record.ts";
import { readDecisionId, servingIdOf } from "../../protocols/decision-id.ts";
import { Fault } from "../../protocols/errors.ts";
import { type Aftermath, explainView, type ExplainView, type ReplayView } from "../../protocols/explanation.ts";
import { CATALOG_KEY, catalog } from "../../protocols/messages/catalog.ts";
import { delivery, type DeliveryView } from "../../protocols/messages/delivery.ts";
import type { EpochMs } from "../../protocols/quantities.ts";
import type { DecisionLogReader } from "../nats/decision-log.ts";
import { type DecisionPage, type DecisionQuery, listDecisions } from "./decision-list.ts";
import type { DecisionReplay } from "./decision-replay.ts";
import type { PortAsker } from "./port-asker.ts";
import { SearchBudget, SKEW_MS } from "./search-budget.ts";

/** Rows are published every 50 ms (D3): a decision this young may still be on its way. */
const YOUNG_MS = 5_000;
const WAIT_MS = 1_000;
const LOOK_MS = 50;
/** Rows of a partition are in the order of their decisions; a commit's row may stand a little later than a younger one's. */
const MARGIN_MS = 1_000;
const ASK_TIMEOUT_MS = 1_000;

export interface DecisionSearchOptions {
  readonly log: DecisionLogReader;
  readonly asker: Pick<PortAsker, "ask" | "partitions">;
  readonly replays: Pick<DecisionReplay, "replay">;
  /** What decisions' times are ahead of the system's clock (`clock.offsetMs`). */
  readonly clockOffsetMs: number;
}

type Explained = ExplainView & { readonly eventsComplete: boolean };
interface Found extends Aftermath {
  readonly record: DecisionRecord;
  readonly complete: boolean;
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
  async find(decisionId: string): Promise<Explained | null> {
    const found = await this.#await(decisionId);
    if (found === null) return null;
    const names = await this.#namesOf(found.record);
    return { ...explainView(found.record, found, names), eventsComplete: found.complete };
  }

  /** Makes a decision again from its sealed inputs. @returns null as `find`. @throws Fault NATS_UNAVAILABLE. */
  async replay(decisionId: string): Promise<ReplayView | null> {
    const found = await this.#await(decisionId);
    return found === null ? null : this.#options.replays.replay(found.record);
  }

  /** @throws Fault NATS_UNAVAILABLE. */
  list(query: DecisionQuery): Promise<DecisionPage> {
    return listDecisions(this.#options.log, query, this.#options.clockOffsetMs);
  }

  async #await(decisionId: string): Promise<Found | null> {
    const made = readDecisionId(decisionId);
    if (made === null || made.partition >= this.#options.asker.partitions) return null;
    const untilMs = performance.now() + WAIT_MS;
    for (;;) {
      const found = await this.#locate(decisionId, made);
      if (found !== null) return found;
      const ageMs = Date.now() + this.#options.clockOffsetMs - made.atMs;
      if (ageMs > YOUNG_MS || performance.now() >= untilMs) return null;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  async #locate(decisionId: string, made: NonNullable<ReturnType<typeof readDecisionId>>): Promise<Found | null> {
    const fromMs = Math.max(0, made.atMs - this.#options.clockOffsetMs - SKEW_MS);
    const budget = new SearchBudget();
    const scan: Scan = { decisionId, record: null, events: [], later: [], stages: [], over: new Set() };
    for await (const { rows } of this.#options.log.since(made.partition, fromMs)) {
      const before = scan.record;
      if (!take(rows, scan, made.atMs)) return null;
      const { record } = scan;
      if (before === null && record !== null) {
        if (record.outcome === "no-bid") return { record, events: [], stages: ["none"], complete: true };
        const ads = adsOf(record);
        if (record.test) return { record, events: [], stages: ads.map(() => "test" as const), complete: true };
        const living = await this.#describe(decisionId, ads, made.partition);
        if (living !== null && !living.over) return { record, ...living, complete: true };
        scan.later = living?.events ?? [];
      }
      if ((record !== null && scan.over.size >= adsOf(record).length) || budget.spent()) break;
    }
    const { record, events, stages, over, later } = scan;
    if (record === null) return null;
    const known = (event: EventRow): boolean =>
      events.some((one) => one.event === event.event && (one.slot ?? 0) === (event.slot ?? 0));
    const joined = later.filter((event) => !known(event));
    return { record, events: [...events, ...joined], stages, complete: over.size >= adsOf(record).length };
  }

  /** What deliveries that still live say, and whether the playback of one is over; null when one is gone or its partition does not answer. */
  async #describe(
    decisionId: string,
    ads: readonly number[],
    partition: DecisionPartition,
  ): Promise<(Aftermath & Pick<DeliveryView, "over">) | null> {
    const asked = ads.map((slot) => {
      const to = { kind: delivery.name, key: servingIdOf(decisionId, slot), partition };
      return this.#asked(to, "Describe", {}) as Promise<DeliveryView | null>;
    });
    const views = (await Promise.all(asked)).flatMap((view) => view ?? []);
    if (views.length < ads.length) return null;
    const events = views.flatMap((view, slot) => view.events.map((event) => ({ ...event, slot })));
    return { events, stages: views.map(({ stage }) => stage), over: views.some(({ over }) => over) };
  }

  /** How the campaigns of a record are called today; the record itself holds ids only. */
  async #namesOf({ campaignId, candidates, slots }: DecisionRecord): Promise<ReadonlyMap<string, string>> {
    const ids = new Set(candidates.map((candidate) => candidate.campaignId));
    for (const id of [campaignId, ...slots.map((slot) => slot.campaignId)]) if (id !== null) ids.add(id);
    const named = [...ids].map(async (id) => {
      const to = { kind: catalog.name, key: CATALOG_KEY };
      const entry = await this.#asked(to, "Get", { collection: "campaigns", id });
      const name = (entry as { readonly document?: { readonly name?: unknown } } | null)?.document?.name;
      return [id, typeof name === "string" ? name : null] as const;
    });
    const known = new Map<string, string>();
    for (const [id, name] of await Promise.all(named)) if (name !== null) known.set(id, name);
    return known;
  }

  /** @returns null when nobody answers. */
  async #asked(to: Parameters<PortAsker["ask"]>[0], type: string, payload: unknown): Promise<unknown> {
    try {
      return await this.#options.asker.ask(to, type, payload, ASK_TIMEOUT_MS);
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
  /** What came after the delivery's last row, as far as it still knows. */
  later: readonly EventRow[];
  readonly stages: Aftermath["stages"][number][];
  /** Ads of which the delivery's last row was seen: there are no more events. */
  readonly over: Set<number>;
}

/** The numbers of the ads of an answer. */
const adsOf = ({ slots }: DecisionRecord): readonly number[] =>
  slots.length === 0 ? [0] : slots.flatMap(({ slot }) => slot ?? []);

/** @returns false when the decision would have come by now. */
function take(rows: readonly unknown[], scan: Scan, atMs: EpochMs): boolean {
  for (const row of rows) {
    const record = decisionRecordOf(row);
    if (record !== null) {
      if (record.decisionId === scan.decisionId) scan.record = record;
      else if (scan.record === null && record.at > atMs + MARGIN_MS) return false;
      continue;
    }
    takeEvent(row as Readonly<Record<string, unknown>>, scan);
  }
  return true;
}

/** A row that delivery wrote: an event, or the end of all. */
function takeEvent(row: Readonly<Record<string, unknown>>, scan: Scan): void {
  const { t, decisionId, event, atMs, status, events, stage } = row;
  const slot = typeof row["slot"] === "number" ? row["slot"] : 0;
  if (decisionId !== scan.decisionId) return;
  if (t === "event") {
    scan.events.push({ slot, event: String(event), atMs: Number(atMs) });
    if (status === "accepted" && (event === "impression" || event === "bill")) scan.stages[slot] = "billed";
    if (status === "accepted" && event === "loss") scan.stages[slot] = "lost";
  }
  if (t !== "outcome" || !Array.isArray(events)) return;
  const own = (events as EventRow[]).map((each) => ({ ...each, slot }));
  scan.events = [...scan.events.filter((each) => each.slot !== slot), ...own];
  scan.stages[slot] = stage as Aftermath["stages"][number];
  scan.over.add(slot);
}
