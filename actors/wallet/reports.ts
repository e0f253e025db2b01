import { ref } from "../../runtime/actor/reference.ts";
import type { CallContext } from "../../runtime/actor/call.ts";
import { budget, DELIVERY_FIGURES, type DeliveryCounts } from "../../protocols/messages/budget.ts";
import type { Id } from "../../protocols/ids.ts";
import { walletPartition } from "../../protocols/messages/wallet.ts";
import type { EpochMs } from "../../protocols/quantities.ts";
import { wantAhead } from "./account.ts";
import { accountKey, accountName, type Account, type AccountKey, type WalletTable } from "./state.ts";

/** An account reports this often at most, unless it ran dry or was recalled (D16). */
const REPORT_EVERY_MS = 2_000;
/** With the answers they cause, below the 64 tells that one envelope may send within its own partition (D1), where all budgets may live. */
const REPORTS_PER_FIRING = 16;

/** The part of the effects that handlers and calls have in common. */
type Context = Pick<CallContext, "key" | "nowMs" | "tell" | "setTimer">;

/** Stores a changed account and sees to it that its budget hears of it soon, or by the next firing. */
export function store(
  table: WalletTable,
  key: AccountKey,
  account: Account,
  due: "soon" | "now",
  fx: Context,
): WalletTable {
  const name = accountName(key);
  const stored = table.with(name, account.due === "now" || account.due === due ? account : { ...account, due });
  const pending = table.get("pending") ?? { accounts: [], dueMs: null };
  const dueMs = due === "now" ? fx.nowMs : Math.max(fx.nowMs, account.reportedAtMs + REPORT_EVERY_MS);
  const sooner = pending.dueMs === null || dueMs < pending.dueMs;
  if (sooner) fx.setTimer("report", dueMs);
  const listed = account.due !== "none" && pending.accounts.includes(name);
  if (listed && !sooner) return stored;
  return stored.with("pending", {
    accounts: listed || pending.accounts.includes(name) ? pending.accounts : [...pending.accounts, name],
    dueMs: sooner ? dueMs : pending.dueMs,
  });
}

/** Stores a changed account and tells its budget in the same commit. */
export function storeAndReport(table: WalletTable, key: AccountKey, account: Account, fx: Context): WalletTable {
  const number = account.reportNumber + 1;
  fx.tell(ref(budget, key.campaign), "Report", {
    campaign: key.campaign,
    day: key.day,
    partition: walletPartition(fx.key),
    number,
    grantedMicros: account.grantedMicros,
    recallNumber: account.recallNumber,
    spentNanos: account.spentNanos,
    reservedNanos: account.reservedNanos,
    returnedMicros: account.returnedMicros,
    wantedMicros: account.wantedMicros,
    counts: account.counts,
  });
  return table.with(accountName(key), {
    ...account,
    reportNumber: number,
    reportedAtMs: fx.nowMs,
    due: "none",
    drawnNanos: 0,
  });
}

/** Adds figures of closed days and tells the budget their totals at once, for they are rare; nothing to add changes nothing. */
export function countLater(table: WalletTable, campaign: Id, more: DeliveryCounts, fx: Context): WalletTable {
  const before = table.get(`later/${campaign}`) ?? { number: 0, counts: {} };
  const counts: DeliveryCounts = { ...before.counts };
  for (const figure of DELIVERY_FIGURES)
    if ((more[figure] ?? 0) > 0) counts[figure] = (counts[figure] ?? 0) + (more[figure] ?? 0);
  if (DELIVERY_FIGURES.every((figure) => counts[figure] === before.counts[figure])) return table;
  const later = { number: before.number + 1, counts };
  fx.tell(ref(budget, campaign), "LaterCounts", { partition: walletPartition(fx.key), ...later });
  return table.with(`later/${campaign}`, later);
}

/** The firing of `report`: sends what is due, keeps the rest and sets the timer anew. */
export function reportDue(table: WalletTable, fx: Context): WalletTable {
  const pending = table.get("pending");
  if (pending === undefined) return table;
  let next = table;
  let sent = 0;
  let dueMs: EpochMs | null = null;
  const kept: string[] = [];
  for (const name of pending.accounts) {
    const key = accountKey(name);
    const account = table.get(accountName(key));
    if (account === undefined || account.due === "none") continue;
    const accountDueMs = account.due === "now" ? fx.nowMs : account.reportedAtMs + REPORT_EVERY_MS;
    if (accountDueMs <= fx.nowMs && sent < REPORTS_PER_FIRING) {
      next = storeAndReport(next, key, wantAhead(account, fx.nowMs), fx);
      sent += 1;
      continue;
    }
    kept.push(name);
    const laterMs = Math.max(fx.nowMs, accountDueMs);
    dueMs = dueMs === null ? laterMs : Math.min(dueMs, laterMs);
  }
  if (dueMs !== null) fx.setTimer("report", dueMs);
  return kept.length === 0 ? next.without("pending") : next.with("pending", { accounts: kept, dueMs });
}
