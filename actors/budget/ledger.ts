import {
  DELIVERY_FIGURES,
  type AccountReport,
  type BudgetBalance,
  type DeliveryCounts,
  type LaterCounts,
} from "../../protocols/messages/budget.ts";
import { asPartition, type Partition } from "../../protocols/ids.ts";
import { microsOf, type EpochMs, type LocalDate, type Micros, type Nanos } from "../../protocols/quantities.ts";
import {
  NEW_HEAD,
  NEW_ROW,
  PATIENCE_MS,
  type AccountRow,
  type Amount,
  type BudgetTable,
  type DayAccounts,
  type LedgerHead,
} from "./state.ts";

/** The ledger of one campaign as its handlers hold it: the head and the accounts of each day that is not closed. */
export interface Ledger {
  readonly head: LedgerHead;
  readonly days: ReadonlyMap<LocalDate, DayAccounts>;
}

export function readLedger(table: BudgetTable): Ledger {
  const head = table.get("head") ?? NEW_HEAD;
  return { head, days: new Map(head.days.map((day) => [day, table.get(`day/${day}`) ?? {}])) };
}

/** Writes what changed, by reference. */
export function writeLedger(table: BudgetTable, before: Ledger, after: Ledger): BudgetTable {
  let next = table;
  for (const day of before.days.keys()) if (!after.days.has(day)) next = next.without(`day/${day}`);
  for (const [day, accounts] of after.days)
    if (before.days.get(day) !== accounts) next = next.with(`day/${day}`, accounts);
  const listed = before.head.days.length === after.days.size && before.head.days.every((day) => after.days.has(day));
  if (after.head === before.head && listed) return next;
  return next.with("head", listed ? after.head : { ...after.head, days: [...after.days.keys()].sort() });
}

export function rowsOf(accounts: DayAccounts): [Partition, AccountRow][] {
  return Object.entries(accounts).map(([partition, row]) => [asPartition(Number(partition)), row]);
}

export function withRow(ledger: Ledger, day: LocalDate, partition: Partition, row: AccountRow): Ledger {
  return { ...ledger, days: new Map(ledger.days).set(day, { ...ledger.days.get(day), [partition]: row }) };
}

/** Gone from the budget: spent, reserved or unused. */
export const committedMicrosOf = (row: AccountRow): Micros => row.grantedMicros - (row.report?.returnedMicros ?? 0);

/** Granted and, as far as is known, neither spent nor reserved, in whole micros. */
export const unusedMicrosOf = (row: AccountRow): Micros =>
  Math.floor(committedMicrosOf(row) - ((row.report?.spentNanos ?? 0) + (row.report?.reservedNanos ?? 0)) / 1000);

/** Whether the wallet has followed the last recall, or was never recalled. */
export const hasAnswered = (row: AccountRow): boolean => (row.report?.recallNumber ?? 0) >= row.recallNumber;

export function dayCommittedMicros(accounts: DayAccounts | undefined): Micros {
  return rowsOf(accounts ?? {}).reduce((sum, [, row]) => sum + committedMicrosOf(row), 0);
}

export function committedMicros(ledger: Ledger): Micros {
  let sum = ledger.head.closed.committedMicros;
  for (const accounts of ledger.days.values()) sum += dayCommittedMicros(accounts);
  return sum;
}

export function addNanos(amount: Amount, nanos: Nanos): Amount {
  const rest = amount.nanos + (nanos % 1000);
  return { micros: amount.micros + Math.floor(nanos / 1000) + Math.floor(rest / 1000), nanos: rest % 1000 };
}

/** Half to even, which depends on the whole micros before the rest. */
function roundedMicros({ micros, nanos }: Amount): Micros {
  const odd = micros % 2;
  return micros - odd + microsOf(odd * 1000 + nanos);
}

export function addCounts(one: DeliveryCounts, other: DeliveryCounts): DeliveryCounts {
  const sum: DeliveryCounts = { ...one };
  for (const figure of DELIVERY_FIGURES) {
    const more = other[figure];
    if (more !== undefined) sum[figure] = (sum[figure] ?? 0) + more;
  }
  return sum;
}

/** Takes a report in; an older or repeated one changes nothing. */
export function applyReport(ledger: Ledger, report: AccountReport, nowMs: EpochMs): Ledger {
  const { campaign: _campaign, day, partition, ...last } = report;
  const row = ledger.days.get(day)?.[partition] ?? NEW_ROW;
  if (last.number <= (row.report?.number ?? 0)) return ledger;
  const drew = last.spentNanos + last.reservedNanos > (row.report?.spentNanos ?? 0) + (row.report?.reservedNanos ?? 0);
  // A grant on its way answers the want that was written before it arrived.
  const wantedMicros = last.grantedMicros < row.grantedMicros ? 0 : last.wantedMicros;
  return withRow(ledger, day, partition, {
    ...row,
    report: last,
    reportedAtMs: nowMs,
    wantedMicros,
    wantedSinceMs: wantedMicros > 0 && row.wantedMicros === 0 ? nowMs : row.wantedSinceMs,
    activeAtMs: drew ? nowMs : row.activeAtMs,
    patienceMs: drew ? PATIENCE_MS : row.patienceMs,
  });
}

/** Whether a wallet waits for money. */
export function isWanted(ledger: Ledger): boolean {
  for (const accounts of ledger.days.values())
    if (rowsOf(accounts).some(([, row]) => row.wantedMicros > 0)) return true;
  return false;
}

/** Takes the late figures of a partition in; an older or repeated total changes nothing. */
export function applyLaterCounts(table: BudgetTable, told: LaterCounts, atMs: EpochMs): BudgetTable {
  const { partition, number, counts } = told;
  const before = table.get("later") ?? {};
  if (number <= (before[partition]?.number ?? 0)) return table;
  return table.with("later", { ...before, [partition]: { number, counts, atMs } });
}

/** The ledger's sums with what came to count after its day was closed. */
export function balanceWithLater(table: BudgetTable): BudgetBalance {
  const balance = balanceOf(readLedger(table));
  return Object.values(table.get("later") ?? {}).reduce<BudgetBalance>(
    (sum, { counts, atMs }) => ({
      ...sum,
      counts: addCounts(sum.counts, counts),
      asOfMs: Math.max(sum.asOfMs, atMs),
    }),
    balance,
  );
}

/** The ledger's sums for showing. */
function balanceOf(ledger: Ledger): BudgetBalance {
  const { closed } = ledger.head;
  let spent: Amount = closed.spent;
  let reserved: Amount = { micros: 0, nanos: 0 };
  let counts = closed.counts;
  let asOfMs = closed.reportedAtMs;
  for (const accounts of ledger.days.values()) {
    for (const [, row] of rowsOf(accounts)) {
      spent = addNanos(spent, row.report?.spentNanos ?? 0);
      reserved = addNanos(reserved, row.report?.reservedNanos ?? 0);
      counts = addCounts(counts, row.report?.counts ?? {});
      asOfMs = Math.max(asOfMs, row.reportedAtMs);
    }
  }
  const spentMicros = roundedMicros(spent);
  const reservedMicros = roundedMicros(reserved);
  const grantedMicros = Math.max(0, committedMicros(ledger) - spentMicros - reservedMicros);
  return { spentMicros, reservedMicros, grantedMicros, counts, asOfMs };
}
