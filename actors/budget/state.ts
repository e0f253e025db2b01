import { z } from "zod";
import { AccountReport, BudgetTerms, DeliveryCounts, LaterCounts } from "../../protocols/messages/budget.ts";
import { EpochMs, LocalDate, Micros } from "../../protocols/quantities.ts";
import type { PartsState, PartTable, VersionedState } from "../../runtime/actor/state.ts";

const LastReport = AccountReport.omit({ campaign: true, day: true, partition: true });
export type LastReport = z.infer<typeof LastReport>;

/** One partition's account as its campaign's ledger keeps it. Committed = granted − returned: spent, reserved or unused, it is gone from the budget. */
export const AccountRow = z.strictObject({
  grantedMicros: Micros,
  /** Rises with each recall; grants carry it, so that a grant made before a recall does not undo it. */
  recallNumber: z.int(),
  recalled: z.boolean(),
  /** The latest by its number; null before the first. */
  report: LastReport.nullable(),
  reportedAtMs: EpochMs,
  /** A want that no grant has answered yet; 0 = none. */
  wantedMicros: Micros,
  wantedSinceMs: EpochMs,
  /** When it last drew on its money or was granted some it wanted; 0 = never. */
  activeAtMs: EpochMs,
  /** Left alone this long after that; doubles with each time it was recalled as idle before it could draw. */
  patienceMs: z.int(),
});
export type AccountRow = z.infer<typeof AccountRow>;

/** Accounts of one day by partition. */
export const DayAccounts = z.record(z.string(), AccountRow);
export type DayAccounts = z.infer<typeof DayAccounts>;

/** An exact sum of money that may exceed what nanos hold as a safe integer. */
export const Amount = z.strictObject({ micros: Micros, nanos: z.int().min(0).max(999) });
export type Amount = z.infer<typeof Amount>;

export const LedgerHead = z.strictObject({
  terms: BudgetTerms.nullable(),
  /** Days that have accounts, ascending. */
  days: z.array(LocalDate),
  /** Days that had their first grants since the terms last changed. */
  spread: z.array(LocalDate),
  /** Sums of the days that are settled and forgotten, up to and including `through`. */
  closed: z.strictObject({
    through: LocalDate.nullable(),
    committedMicros: Micros,
    spent: Amount,
    counts: DeliveryCounts,
    reportedAtMs: EpochMs,
  }),
  /** When the timer `calendar` is due. */
  calendarDueMs: EpochMs.nullable(),
});
export type LedgerHead = z.infer<typeof LedgerHead>;

/** What partitions counted after the day was closed, the latest totals of each by its number. */
const Later = z.record(z.string(), LaterCounts.omit({ partition: true }).extend({ atMs: EpochMs }));
type Later = z.infer<typeof Later>;

export type BudgetParts = { head: LedgerHead; later: Later } & Record<`day/${LocalDate}`, DayAccounts>;
export type BudgetTable = PartTable<BudgetParts>;

/** Before there were paces, money was let out as soon as it was wanted. */
function withPace(older: unknown): unknown {
  const before = older as { readonly terms: object | null };
  return before.terms === null ? before : { ...before, terms: { ...before.terms, pacing: "asap" } };
}

const head: VersionedState<LedgerHead> = { version: 2, schema: LedgerHead, upgrade: { 1: withPace } };
const day: VersionedState<DayAccounts> = { version: 1, schema: DayAccounts };
const later: VersionedState<Later> = { version: 1, schema: Later };

export const budgetState: PartsState<BudgetParts> = {
  part: (name) => (name === "head" ? head : name === "later" ? later : day) as VersionedState<BudgetParts[typeof name]>,
};

export const NEW_HEAD: LedgerHead = {
  terms: null,
  days: [],
  spread: [],
  closed: { through: null, committedMicros: 0, spent: { micros: 0, nanos: 0 }, counts: {}, reportedAtMs: 0 },
  calendarDueMs: null,
};

/** An account that drew within this time is busy: taking its money would move the refusals, not end them. */
export const PATIENCE_MS = 2_000;

export const NEW_ROW: AccountRow = {
  grantedMicros: 0,
  recallNumber: 0,
  recalled: false,
  report: null,
  reportedAtMs: 0,
  wantedMicros: 0,
  wantedSinceMs: 0,
  activeAtMs: 0,
  patienceMs: PATIENCE_MS,
};
