import type { AdSetEntry, CatalogIndex } from "../../protocols/catalog-index.ts";
import type { CandidateRow, RoleRow, TermRow, VetoRow } from "../../protocols/decision-record.ts";
import type { NoBidReason } from "../../protocols/openrtb/no-bid.ts";
import type { Verdict } from "../../runtime/actor/agent.ts";

/** Candidates that a record shows one by one; the others are counted. */
const ROWS_MAX = 12;

/** Takes down what happened to each candidate and role of one decision. */
export class Tally {
  readonly rows: CandidateRow[] = [];
  readonly vetoCounts: Record<string, number> = {};
  considered = 0;
  readonly #index: CatalogIndex;
  readonly #roles = new Map<string, RoleRow>();

  constructor(index: CatalogIndex) {
    this.#index = index;
  }

  get roles(): readonly RoleRow[] {
    return [...this.#roles.values()];
  }

  /** An ad set that is out: every distinct veto is counted once. */
  vetoed(adSet: AdSetEntry, vetoes: readonly VetoRow[]): void {
    this.considered += 1;
    let counted: string[] | undefined;
    for (const { role, reason } of vetoes) {
      const key = `${role}/${reason}`;
      if (counted?.includes(key) === true) continue;
      if (vetoes.length > 1) (counted ??= []).push(key);
      this.vetoCounts[key] = (this.vetoCounts[key] ?? 0) + 1;
    }
    if (this.rows.length >= ROWS_MAX) return;
    const [first] = adSet.creatives;
    const creativeId = first === undefined ? "" : (this.#index.creatives.at(first)?.id ?? "");
    this.rows.push(rowOf(adSet, creativeId, distinct(vetoes), [], 0));
  }

  /** One veto more, of an ad set that has its row. */
  counted({ role, reason }: VetoRow): void {
    const key = `${role}/${reason}`;
    this.vetoCounts[key] = (this.vetoCounts[key] ?? 0) + 1;
  }

  /** A role that refuses the request as a whole. */
  refused(role: string, reason: string): void {
    this.vetoCounts[`${role}/${reason}`] = 1;
  }

  /** An ad set of which no creative is worth what it costs: vetoed, with the best score it had. */
  worthless(adSet: AdSetEntry, creativeId: string, veto: VetoRow, terms: readonly TermRow[], scoreNanos: number): void {
    this.considered += 1;
    const key = `${veto.role}/${veto.reason}`;
    this.vetoCounts[key] = (this.vetoCounts[key] ?? 0) + 1;
    if (this.rows.length < ROWS_MAX) this.rows.push(rowOf(adSet, creativeId, [veto], terms, scoreNanos));
  }

  scored(adSet: AdSetEntry, creativeId: string, terms: readonly TermRow[], scoreNanos: number): void {
    this.considered += 1;
    if (this.rows.length < ROWS_MAX) this.rows.push(rowOf(adSet, creativeId, [], terms, scoreNanos));
  }

  /** A role that is asked several times in a decision has one row: the worst outcome, all its time. */
  consulted(verdict: Verdict<unknown>): void {
    const { role, variant, version, outcome, micros } = verdict;
    const before = this.#roles.get(role);
    this.#roles.set(
      role,
      before === undefined
        ? { role, variant, version, outcome, micros }
        : {
            ...before,
            outcome: before.outcome === "answered" ? outcome : before.outcome,
            micros: before.micros + micros,
          },
    );
  }

  defaulted(role: string, standIn: string): void {
    const row = this.#roles.get(role);
    if (row !== undefined) this.#roles.set(role, { ...row, default: standIn });
  }

  /** Why nothing is served: the veto that came closest to the end of the pipeline. */
  noBidReason(): NoBidReason {
    const has = (prefix: string): boolean => Object.keys(this.vetoCounts).some((key) => key.startsWith(prefix));
    if (has("reward/")) return 506;
    if (has("throttle/")) return 503;
    if (has("pacing/")) return 502;
    if (has("separation/")) return 504;
    if (has("frequency/")) return 9;
    return has("kernel/floor") ? 507 : 501;
  }
}

function rowOf(
  adSet: AdSetEntry,
  creativeId: string,
  vetoes: readonly VetoRow[],
  terms: readonly TermRow[],
  scoreNanos: number,
): CandidateRow {
  return {
    campaignId: adSet.campaignId,
    adSetId: adSet.id,
    creativeId,
    proposedBy: "audience",
    vetoes,
    terms,
    scoreNanos,
    bidNanos: adSet.bidCpmMicros,
  };
}

function distinct(vetoes: readonly VetoRow[]): VetoRow[] {
  return vetoes.filter(
    (veto, at) => vetoes.findIndex((each) => each.role === veto.role && each.reason === veto.reason) === at,
  );
}
