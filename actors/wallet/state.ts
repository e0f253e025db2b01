import { z } from "zod";
import { DeliveryCounts } from "../../protocols/messages/budget.ts";
import { EpochMs, LocalDate, Micros, Nanos } from "../../protocols/quantities.ts";
import type { Id } from "../../protocols/ids.ts";
import type { PartsState, PartTable, VersionedState } from "../../runtime/actor/state.ts";

/** Money of one campaign, on one of its days, in this partition (D16). Free = granted − spent − reserved − returned, never below 0. */
export const Account = z.strictObject({
  grantedMicros: Micros,
  spentNanos: Nanos,
  reservedNanos: Nanos,
  returnedMicros: Micros,
  /** The highest recall or revival followed. */
  recallNumber: z.int(),
  /** Takes no reservation; what becomes free goes back. */
  recalled: z.boolean(),
  counts: DeliveryCounts,
  /** Number of the last report. */
  reportNumber: z.int(),
  reportedAtMs: EpochMs,
  /** Whether something changed since the last report, and how soon the budget should know. */
  due: z.enum(["none", "soon", "now"]),
  /** Reserved since the last report: the measure of demand. */
  drawnNanos: Nanos,
  /** Asked of the budget and not answered; 0 = nothing. */
  wantedMicros: Micros,
  /** No further want of its own before this. */
  wantAgainAtMs: EpochMs,
  /** What the next unanswered want waits; doubles while the budget is silent. */
  wantWaitMs: z.int(),
});
export type Account = z.infer<typeof Account>;

/** Accounts with something to report, in the order in which they changed, and when the timer `report` is due. */
const Pending = z.strictObject({ accounts: z.array(z.string()), dueMs: EpochMs.nullable() });
type Pending = z.infer<typeof Pending>;

export interface AccountKey {
  readonly campaign: Id;
  readonly day: LocalDate;
}

export type AccountName = `account/${Id}/${LocalDate}`;

/** What came to count after its day was closed: totals over all closed days, and how often they were told. */
export const Later = z.strictObject({ number: z.int(), counts: DeliveryCounts });
export type Later = z.infer<typeof Later>;

/** `closed/<campaign>`: accounts of that day and earlier are gone, and late mail must not bring them back; `later/<campaign>`: their late figures. */
export type WalletParts = { pending: Pending } & Record<AccountName, Account> &
  Record<`closed/${Id}`, LocalDate> &
  Record<`later/${Id}`, Later>;
export type WalletTable = PartTable<WalletParts>;

const account: VersionedState<Account> = { version: 1, schema: Account };
const pending: VersionedState<Pending> = { version: 1, schema: Pending };
const closed: VersionedState<LocalDate> = { version: 1, schema: LocalDate };
const later: VersionedState<Later> = { version: 1, schema: Later };

export const walletState: PartsState<WalletParts> = {
  part: (name) => {
    return stateOf(name) as VersionedState<WalletParts[typeof name]>;
  },
};

function stateOf(name: string): VersionedState<unknown> {
  if (name === "pending") return pending;
  if (name.startsWith("closed/")) return closed;
  return name.startsWith("later/") ? later : account;
}

export const accountName = (key: AccountKey): AccountName => `account/${key.campaign}/${key.day}`;

export function accountKey(name: string): AccountKey {
  const [, campaign = "", day = ""] = name.split("/");
  return { campaign, day };
}
