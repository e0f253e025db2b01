import { fnv1a32 } from "../../protocols/hash.ts";
import type { Partition } from "../../protocols/ids.ts";
import type { BudgetTerms, DeliveryCounts } from "../../protocols/messages/budget.ts";
import type { EpochMs, LocalDate, Micros } from "../../protocols/quantities.ts";
import { releasedOfDay, releasedOfLife } from "./curve.ts";
import { closableThrough, keptDays, openDays } from "./flight.ts";
import {
  addCounts,
  addNanos,
  committedMicros,
  committedMicrosOf,
  dayCommittedMicros,
  hasAnswered,
  rowsOf,
  unusedMicrosOf,
  withRow,
  type Ledger,
} from "./ledger.ts";
import { NEW_ROW, type AccountRow } from "./state.ts";

/** Where requests are rare and money is scarce, it stays with the account that asked for it until the next request may come. */
const PATIENCE_MS_MAX = 600_000;
/** While there is demand a wallet repeats its want within a minute; an older one is forgotten. */
const WANT_FRESH_MS = 120_000;
/** A campaign without any budget has this many impressions a partition out at a time, so that stopping it stays quick. */
const UNBUDGETED_IMPRESSIONS = 1_000;
/** An account's total in nanos stays a safe integer. */
const ACCOUNT_MICROS_MAX = Math.floor(Number.MAX_SAFE_INTEGER / 1000);

/** What the ledger tells the wallet of `partition`. */
export type WalletMail =
  | { readonly type: "Grant"; readonly partition: Partition; readonly day: LocalDate; readonly row: AccountRow }
  | { readonly type: "Recall"; readonly partition: Partition; readonly day: LocalDate; readonly row: AccountRow }
  | {
      readonly type: "Close";
      readonly partition: Partition;
      readonly day: LocalDate;
      /** Figures of that account that the ledger has booked. */
      readonly counts: DeliveryCounts;
    };

export interface Moment {
  readonly campaign: string;
  readonly nowMs: EpochMs;
  /** Partitions of the cluster. */
  readonly partitions: number;
}

/** A ledger in the making, with the mail that its changes owe. */
interface Draft extends Moment {
  readonly terms: BudgetTerms;
  ledger: Ledger;
  readonly mail: WalletMail[];
}

/**
 * Brings the accounts to what terms, calendar and wants ask for. Level-triggered: it looks at the ledger, not at what happened, so it
 * may run after every message, and running it twice changes nothing.
 * B1: nothing is granted beyond what is free, so what is committed never exceeds max(budget, committed when it was last cut).
 */
export function reconcile(ledger: Ledger, moment: Moment): { ledger: Ledger; mail: readonly WalletMail[] } {
  const { terms } = ledger.head;
  if (terms === null) return { ledger, mail: [] };
  const draft: Draft = { ...moment, terms, ledger, mail: [] };
  const open = openDays(terms, moment.nowMs);
  const kept = keptDays(terms, moment.nowMs);
  recallEnded(draft, kept);
  recallOvercommitted(draft);
  for (const day of open) serveWants(draft, day);
  for (const day of open) spread(draft, day);
  closeDays(draft, kept);
  return { ledger: draft.ledger, mail: draft.mail };
}

const impressionNanos = (terms: BudgetTerms): number => Math.max(1, terms.impressionNanosMax);
/** The least whole micros that buy `impressions` of the dearest. */
const microsFor = (terms: BudgetTerms, impressions: number): Micros =>
  Math.ceil((impressions * impressionNanos(terms)) / 1000);
const impressionsIn = (terms: BudgetTerms, micros: Micros): number =>
  Math.floor((micros * 1000) / impressionNanos(terms));

/** What may still be granted for a day by now: both budgets hold, and the pace. Never negative, also after a cut below what is committed. */
function freeMicros(draft: Draft, day: LocalDate): Micros {
  const { terms, ledger } = draft;
  const limits: number[] = [];
  if (terms.lifetimeMicros !== null) limits.push(releasedOfLife(terms, draft.nowMs) - committedMicros(ledger));
  if (terms.dailyMicros !== null)
    limits.push(releasedOfDay(terms, day, draft.nowMs) - dayCommittedMicros(ledger.days.get(day)));
  if (limits.length === 0) {
    const unused = rowsOf(ledger.days.get(day) ?? {}).reduce((sum, [, row]) => sum + unusedMicrosOf(row), 0);
    limits.push(microsFor(terms, UNBUDGETED_IMPRESSIONS * draft.partitions) - unused);
  }
  return Math.max(0, Math.min(...limits));
}

function grant(draft: Draft, day: LocalDate, partition: Partition, micros: Micros): void {
  const row = draft.ledger.days.get(day)?.[partition] ?? NEW_ROW;
  const granted: AccountRow = {
    ...row,
    grantedMicros: row.grantedMicros + micros,
    recalled: false,
    activeAtMs: row.wantedMicros > 0 ? draft.nowMs : row.activeAtMs,
    wantedMicros: 0,
  };
  draft.ledger = withRow(draft.ledger, day, partition, granted);
  draft.mail.push({ type: "Grant", partition, day, row: granted });
}

function recallRow(draft: Draft, day: LocalDate, partition: Partition, row: AccountRow): void {
  const recalled: AccountRow = { ...row, recalled: true, recallNumber: row.recallNumber + 1 };
  draft.ledger = withRow(draft.ledger, day, partition, recalled);
  draft.mail.push({ type: "Recall", partition, day, row: recalled });
}

function recallDay(draft: Draft, day: LocalDate): void {
  for (const [partition, row] of rowsOf(draft.ledger.days.get(day) ?? {}))
    if (!row.recalled) recallRow(draft, day, partition, row);
}

/** Pause, end of the flight, yesterday. */
function recallEnded(draft: Draft, kept: ReadonlySet<LocalDate>): void {
  for (const day of draft.ledger.days.keys()) if (!kept.has(day)) recallDay(draft, day);
}

/** A cut below what is committed is accepted; all is recalled, and what comes back counts against the new budget (D16). */
function recallOvercommitted(draft: Draft): void {
  const { lifetimeMicros, dailyMicros } = draft.terms;
  const lifetimeCut = lifetimeMicros !== null && committedMicros(draft.ledger) > lifetimeMicros;
  for (const [day, accounts] of draft.ledger.days)
    if (lifetimeCut || (dailyMicros !== null && dayCommittedMicros(accounts) > dailyMicros)) recallDay(draft, day);
}

/** Grants what is wanted in whole impressions, the longest waiting first; what is not to be had is fetched from the idlest account. */
function serveWants(draft: Draft, day: LocalDate): void {
  const waiting = rowsOf(draft.ledger.days.get(day) ?? {})
    .filter(([, row]) => row.wantedMicros > 0 && draft.nowMs - row.reportedAtMs <= WANT_FRESH_MS)
    .sort(([, one], [, other]) => one.wantedSinceMs - other.wantedSinceMs);
  let unmet: Partition | null = null;
  for (const [partition, row] of waiting) {
    const free = Math.min(freeMicros(draft, day), ACCOUNT_MICROS_MAX - row.grantedMicros);
    const wished = microsFor(draft.terms, impressionsIn(draft.terms, row.wantedMicros + microsFor(draft.terms, 1) - 1));
    const whole = microsFor(draft.terms, impressionsIn(draft.terms, free));
    // Less than one of the dearest impressions may still buy a cheaper one.
    const micros = whole > 0 ? Math.min(wished, whole) : row.wantedMicros <= free ? row.wantedMicros : 0;
    if (micros > 0) grant(draft, day, partition, micros);
    else unmet ??= partition;
  }
  if (unmet !== null) recallIdlest(draft, day, unmet);
}

/** One at a time: the next only when the last has answered and it was not enough. */
function recallIdlest(draft: Draft, day: LocalDate, wanting: Partition): void {
  const rows = rowsOf(draft.ledger.days.get(day) ?? {});
  if (rows.some(([, row]) => row.recalled && !hasAnswered(row))) return;
  const [idlest] = rows
    .filter(
      ([partition, row]) =>
        partition !== wanting &&
        !row.recalled &&
        unusedMicrosOf(row) >= 1 &&
        draft.nowMs - row.activeAtMs >= row.patienceMs,
    )
    .sort(([, one], [, other]) => one.activeAtMs - other.activeAtMs || unusedMicrosOf(other) - unusedMicrosOf(one));
  if (idlest === undefined) return;
  const [partition, row] = idlest;
  recallRow(draft, day, partition, { ...row, patienceMs: Math.min(2 * row.patienceMs, PATIENCE_MS_MAX) });
}

/**
 * A day's first grants: half of what is free over all wallets in whole impressions, so that the first request can be served; when
 * that does not reach everyone, one each to as many as possible, beginning at a place of the campaign's own. Done once there is money.
 */
function spread(draft: Draft, day: LocalDate): void {
  if (draft.ledger.head.spread.includes(day)) return;
  let free = freeMicros(draft, day);
  const affordable = impressionsIn(draft.terms, free);
  if (affordable === 0) return;
  const share = Math.min(affordable, Math.max(draft.partitions, Math.floor(affordable / 2)));
  const first = fnv1a32(draft.campaign) % draft.partitions;
  for (let index = 0; index < draft.partitions; index++) {
    const impressions = Math.floor(share / draft.partitions) + (index < share % draft.partitions ? 1 : 0);
    const partition = ((first + index) % draft.partitions) as Partition;
    const granted = draft.ledger.days.get(day)?.[partition]?.grantedMicros ?? 0;
    const micros = Math.min(microsFor(draft.terms, impressions), ACCOUNT_MICROS_MAX - granted);
    if (micros <= 0 || micros > free) continue;
    free -= micros;
    grant(draft, day, partition, micros);
  }
  draft.ledger = {
    ...draft.ledger,
    head: { ...draft.ledger.head, spread: [...draft.ledger.head.spread, day] },
  };
}

/** Nothing of the account can change any more: all grants arrived, all reservations ended, the rest came back. */
const isSettled = (row: AccountRow): boolean =>
  row.recalled &&
  hasAnswered(row) &&
  row.report !== null &&
  row.report.grantedMicros === row.grantedMicros &&
  row.report.reservedNanos === 0;

/** Days long over are summed up and forgotten, in order, so that the ledger stays small. */
function closeDays(draft: Draft, kept: ReadonlySet<LocalDate>): void {
  const through = closableThrough(draft.terms, draft.nowMs);
  for (const day of [...draft.ledger.days.keys()].sort()) {
    const rows = rowsOf(draft.ledger.days.get(day) ?? {});
    if (day > through || kept.has(day) || !rows.every(([, row]) => isSettled(row))) return;
    let { closed } = draft.ledger.head;
    for (const [partition, row] of rows) {
      closed = {
        through: day,
        committedMicros: closed.committedMicros + committedMicrosOf(row),
        spent: addNanos(closed.spent, row.report?.spentNanos ?? 0),
        counts: addCounts(closed.counts, row.report?.counts ?? {}),
        reportedAtMs: Math.max(closed.reportedAtMs, row.reportedAtMs),
      };
      draft.mail.push({ type: "Close", partition, day, counts: row.report?.counts ?? {} });
    }
    const days = new Map(draft.ledger.days);
    days.delete(day);
    const spreadDays = draft.ledger.head.spread.filter((one) => one > day);
    draft.ledger = { head: { ...draft.ledger.head, spread: spreadDays, closed }, days };
  }
}
