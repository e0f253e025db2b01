import { budget, type BudgetTerms } from "../../protocols/messages/budget.ts";
import type { EpochMs } from "../../protocols/quantities.ts";
import { wallet, walletKey } from "../../protocols/messages/wallet.ts";
import { definePartsActor } from "../../runtime/actor/define.ts";
import type { Effects } from "../../runtime/actor/effects.ts";
import { ref } from "../../runtime/actor/reference.ts";
import { restart } from "../../runtime/actor/supervision.ts";
import { reconcile, type WalletMail } from "./allocation.ts";
import { nextReleaseMs } from "./curve.ts";
import { nextDueMs } from "./flight.ts";
import {
  applyLaterCounts,
  applyReport,
  balanceWithLater,
  isWanted,
  readLedger,
  writeLedger,
  type Ledger,
} from "./ledger.ts";
import { budgetState, type BudgetTable } from "./state.ts";

/**
 * The ledger of one campaign and its only writer (D16).
 * B1: at every prefix of the log, per day and for life, what is committed (granted and not returned) never exceeds
 * max(budget, what was committed when it was last cut). A campaign without any budget has a bounded amount out at a time.
 */
export const budgetActor = definePartsActor(budget, {
  parts: budgetState,
  supervision: restart({ then: "escalate" }),
  passivateAfterMs: 120_000, // longer than the slowest report, so that an active campaign stays resident
  handlers: {
    Terms(table, terms, fx) {
      const ledger = readLedger(table);
      const known = ledger.head.terms;
      if (known !== null && terms.version <= known.version) return table;
      const spread = known !== null && sameMoney(known, terms) ? ledger.head.spread : [];
      return settleUp(table, ledger, { ...ledger, head: { ...ledger.head, terms, spread } }, fx, true);
    },
    Report(table, report, fx) {
      const ledger = readLedger(table);
      const { through } = ledger.head.closed;
      if (through !== null && report.day <= through) {
        // An account that was not among those closed: nothing of it is booked.
        sendMail(fx, { type: "Close", partition: report.partition, day: report.day, counts: {} });
        return table;
      }
      return settleUp(table, ledger, applyReport(ledger, report, fx.nowMs), fx, false);
    },
    LaterCounts: (table, told, fx) => applyLaterCounts(table, told, fx.nowMs),
    Balance(table, _question, fx) {
      fx.reply(balanceWithLater(table));
      return table;
    },
  },
  timers: {
    calendar(table, fx) {
      const ledger = readLedger(table);
      return settleUp(table, ledger, ledger, fx, true);
    },
  },
});

/** Whether a change of terms leaves alone what grants depend on; otherwise each open day gets first grants anew. */
function sameMoney(one: BudgetTerms, other: BudgetTerms): boolean {
  const { version: _one, ...before } = one;
  const { version: _other, ...after } = other;
  return (Object.keys(before) as (keyof typeof before)[]).every((key) => before[key] === after[key]);
}

/** Reconciles, sends what that owes and keeps the calendar's timer. */
function settleUp(table: BudgetTable, before: Ledger, changed: Ledger, fx: Effects, timeMoved: boolean): BudgetTable {
  const moment = { campaign: fx.key, nowMs: fx.nowMs, partitions: fx.partitions };
  const { ledger, mail } = reconcile(changed, moment);
  for (const one of mail) sendMail(fx, one);
  const { terms, calendarDueMs } = ledger.head;
  // Finding midnights costs more than the rest: reports leave a timer alone that is still to come.
  const releaseMs = terms === null ? null : nextReleaseMs(terms, isWanted(ledger), fx.nowMs);
  const isSet = calendarDueMs !== null && calendarDueMs > fx.nowMs && calendarDueMs <= (releaseMs ?? Infinity);
  if (terms === null || (!timeMoved && isSet)) return writeLedger(table, before, ledger);
  const dueMs = soonest(nextDueMs(terms, ledger.days.size > 0, fx.nowMs), releaseMs);
  if (dueMs === null) fx.cancelTimer("calendar");
  else fx.setTimer("calendar", dueMs);
  const timed = dueMs === calendarDueMs ? ledger : { ...ledger, head: { ...ledger.head, calendarDueMs: dueMs } };
  return writeLedger(table, before, timed);
}

function soonest(one: EpochMs | null, other: EpochMs | null): EpochMs | null {
  return one === null || other === null ? (one ?? other) : Math.min(one, other);
}

function sendMail(fx: Effects, mail: WalletMail): void {
  const to = ref(wallet, walletKey(mail.partition), mail.partition);
  const account = { campaign: fx.key, day: mail.day };
  switch (mail.type) {
    case "Grant":
      fx.tell(to, "Grant", { ...account, grantedMicros: mail.row.grantedMicros, number: mail.row.recallNumber });
      return;
    case "Recall":
      fx.tell(to, "Recall", { ...account, number: mail.row.recallNumber });
      return;
    case "Close":
      fx.tell(to, "Close", { ...account, counts: mail.counts });
  }
}
