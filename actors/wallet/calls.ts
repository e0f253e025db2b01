import type { DeliveryFigure } from "../../protocols/messages/budget.ts";
import { wallet } from "../../protocols/messages/wallet.ts";
import type { LocalDate, Nanos } from "../../protocols/quantities.ts";
import { defineCall, type CallContext } from "../../runtime/actor/call.ts";
import { assertInvariant } from "../../protocols/errors.ts";
import { addFigure, EMPTY_ACCOUNT, endReservation, freeNanosOf, hold, want } from "./account.ts";
import { countLater, store, storeAndReport } from "./reports.ts";
import { accountName, type Account, type AccountKey, type WalletTable } from "./state.ts";

/**
 * What the listener and delivery do to the wallet of their partition, in their own commit (D16, ADR 0003): address it with
 * `{ key: walletKey(fx.partition) }`.
 */
export type Reserved = { readonly ok: true } | { readonly ok: false; readonly reason: "budget" };

/** Days that are closed stay closed. */
export function isClosed(table: WalletTable, key: AccountKey): boolean {
  const through: LocalDate | undefined = table.get(`closed/${key.campaign}`);
  return through !== undefined && key.day <= through;
}

function accountOf(table: WalletTable, key: AccountKey): Account | null {
  return table.get(accountName(key)) ?? (isClosed(table, key) ? null : EMPTY_ACCOUNT);
}

/**
 * Holds the price of one impression. When that is not free the budget is asked for more at once, and the answer is a refusal.
 * A test decision sees the same answer and changes nothing.
 */
export const reserve = defineCall(
  wallet.name,
  "reserve",
  (
    table: WalletTable,
    input: AccountKey & { readonly nanos: Nanos; readonly test: boolean },
    fx: CallContext,
  ): { state: WalletTable; output: Reserved } => {
    const refused = { ok: false, reason: "budget" } as const;
    const account = accountOf(table, input);
    if (account === null) return { state: table, output: refused };
    const held = hold(account, input.nanos);
    if (input.test) return { state: table, output: held === null ? refused : { ok: true } };
    if (held !== null) return { state: store(table, input, held, "soon", fx), output: { ok: true } };
    const wanting = want(account, input.nanos, fx.nowMs);
    return { state: wanting === null ? table : storeAndReport(table, input, wanting, fx), output: refused };
  },
);

/** Bills `nanos` of a reservation of `reservedNanos`; the difference is free again (B4). @throws Fault EFFECT_REFUSED when that is not reserved. */
export const settle = defineCall(
  wallet.name,
  "settle",
  (
    table: WalletTable,
    input: AccountKey & { readonly nanos: Nanos; readonly reservedNanos: Nanos },
    fx: CallContext,
  ): { state: WalletTable; output: null } => {
    const account = accountOf(table, input);
    assertInvariant(account !== null, "B3: an account with reservations is not closed", { ...input });
    return {
      state: store(table, input, endReservation(account, input.reservedNanos, input.nanos), "soon", fx),
      output: null,
    };
  },
);

/** Frees a reservation that will not be billed. @throws Fault EFFECT_REFUSED when `nanos` are not reserved. */
export const release = defineCall(
  wallet.name,
  "release",
  (
    table: WalletTable,
    input: AccountKey & { readonly nanos: Nanos },
    fx: CallContext,
  ): { state: WalletTable; output: null } => {
    const account = accountOf(table, input);
    assertInvariant(account !== null, "B3: an account with reservations is not closed", { ...input });
    return { state: store(table, input, endReservation(account, input.nanos, 0), "soon", fx), output: null };
  },
);

/** Counts one delivery figure under the day of its decision; of a closed day, in the campaign's total. */
export const count = defineCall(
  wallet.name,
  "count",
  (
    table: WalletTable,
    input: AccountKey & { readonly event: DeliveryFigure },
    fx: CallContext,
  ): { state: WalletTable; output: null } => {
    const account = accountOf(table, input);
    if (account === null) return { state: countLater(table, input.campaign, { [input.event]: 1 }, fx), output: null };
    return { state: store(table, input, addFigure(account, input.event), "soon", fx), output: null };
  },
);

/**
 * What the account can still reserve: the pacing role's wallet check. Below `nanos`, the price of the impression in question,
 * the budget is asked for more with the next report, because a vetoed candidate never comes to `reserve`; 0 only looks.
 */
export const freeNanos = defineCall(
  wallet.name,
  "freeNanos",
  (
    table: WalletTable,
    input: AccountKey & { readonly nanos: Nanos },
    fx: CallContext,
  ): { state: WalletTable; output: Nanos } => {
    const account = accountOf(table, input);
    if (account === null) return { state: table, output: 0 };
    const free = freeNanosOf(account);
    const wanting = free < input.nanos ? want(account, input.nanos, fx.nowMs) : null;
    return { state: wanting === null ? table : store(table, input, wanting, "now", fx), output: free };
  },
);
