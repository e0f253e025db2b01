import { wallet } from "../../protocols/messages/wallet.ts";
import { definePartsActor } from "../../runtime/actor/define.ts";
import { restart } from "../../runtime/actor/supervision.ts";
import { EMPTY_ACCOUNT, figuresBeyond, follow, freeNanosOf, recall } from "./account.ts";
import { isClosed } from "./calls.ts";
import { countLater, reportDue, store, storeAndReport } from "./reports.ts";
import { accountKey, accountName, walletState } from "./state.ts";

/**
 * The money that this partition may spend (D16). Every total here comes from grants of the budget actors; a message that is repeated
 * or comes out of order changes nothing (B2), and what a recalled account frees goes back.
 */
export const walletActor = definePartsActor(wallet, {
  parts: walletState,
  pinned: true,
  supervision: restart(),
  handlers: {
    Grant(table, { campaign, day, grantedMicros, number }, fx) {
      const key = { campaign, day };
      const account = table.get(accountName(key)) ?? EMPTY_ACCOUNT;
      if (account === EMPTY_ACCOUNT && isClosed(table, key)) return table;
      const followed = follow(account, grantedMicros, number);
      if (followed === account) return table;
      if (followed.recalled) return storeAndReport(table, key, followed, fx);
      return store(table, key, followed, "soon", fx);
    },
    Recall(table, { campaign, day, number }, fx) {
      const key = { campaign, day };
      const account = table.get(accountName(key)) ?? EMPTY_ACCOUNT;
      if (account === EMPTY_ACCOUNT && isClosed(table, key)) return table;
      const recalled = recall(account, number);
      return recalled === account ? table : storeAndReport(table, key, recalled, fx);
    },
    Close(table, { campaign, day, counts }, fx) {
      const account = table.get(accountName({ campaign, day }));
      if (account !== undefined && account.reservedNanos > 0) return table;
      const through = table.get(`closed/${campaign}`);
      const closed = through !== undefined && through >= day ? table : table.with(`closed/${campaign}`, day);
      if (account === undefined) return closed;
      // What was counted since the budget booked this account would be lost with it.
      const later = countLater(closed, campaign, figuresBeyond(account.counts, counts ?? {}), fx);
      return later.without(accountName({ campaign, day }));
    },
    Accounts(table, _question, fx) {
      const accounts = table.names("account/").flatMap((name) => {
        const key = accountKey(name);
        const account = table.get(accountName(key));
        if (account === undefined) return [];
        const { reservedNanos, spentNanos } = account;
        return [{ ...key, freeNanos: freeNanosOf(account), reservedNanos, spentNanos }];
      });
      fx.reply(accounts);
      return table;
    },
  },
  timers: { report: reportDue },
});
