import { assertInvariant } from "../../protocols/errors.ts";
import { DELIVERY_FIGURES, type DeliveryCounts, type DeliveryFigure } from "../../protocols/messages/budget.ts";
import type { EpochMs, Micros, Nanos } from "../../protocols/quantities.ts";
import type { Account } from "./state.ts";

/**
 * The arithmetic of one account. Exact: money is nanos, grants are whole micros, nothing is rounded (decisioning.md 6, B2).
 * B3: a reservation ends once, by `settle` or `release`; B4: what was reserved and not billed is free again.
 */
const WANT_WAIT_MS = 2_000;
/** An exhausted campaign is asked for with every request; the budget remembers a want, so repeating it is only for safety. */
const WANT_WAIT_MS_MAX = 60_000;

export const EMPTY_ACCOUNT: Account = {
  grantedMicros: 0,
  spentNanos: 0,
  reservedNanos: 0,
  returnedMicros: 0,
  recallNumber: 0,
  recalled: false,
  counts: {},
  reportNumber: 0,
  reportedAtMs: 0,
  due: "none",
  drawnNanos: 0,
  wantedMicros: 0,
  wantAgainAtMs: 0,
  wantWaitMs: WANT_WAIT_MS,
};

/** Neither spent, reserved nor given back. */
const unusedNanos = (account: Account): Nanos =>
  (account.grantedMicros - account.returnedMicros) * 1000 - account.spentNanos - account.reservedNanos;

/** What a new reservation may take. */
export const freeNanosOf = (account: Account): Nanos => (account.recalled ? 0 : unusedNanos(account));

/** A recalled account gives back what it does not need; a rest below one micro stays, because grants are whole micros. */
function giveBack(account: Account): Account {
  if (!account.recalled) return account;
  const micros = Math.floor(unusedNanos(account) / 1000);
  return micros === 0 ? account : { ...account, returnedMicros: account.returnedMicros + micros };
}

/** Follows a grant. A lower total is an old message; the number of an older recall does not revive. */
export function follow(account: Account, grantedMicros: Micros, number: number): Account {
  const revived = number > account.recallNumber || (account.recalled && number === account.recallNumber);
  if (!revived && grantedMicros <= account.grantedMicros) return account;
  return giveBack({
    ...account,
    grantedMicros: Math.max(account.grantedMicros, grantedMicros),
    recallNumber: Math.max(account.recallNumber, number),
    recalled: account.recalled && !revived,
    wantedMicros: 0,
    wantAgainAtMs: 0,
    wantWaitMs: WANT_WAIT_MS,
  });
}

/** Follows a recall, once. */
export function recall(account: Account, number: number): Account {
  if (number <= account.recallNumber) return account;
  return giveBack({ ...account, recallNumber: number, recalled: true, wantedMicros: 0 });
}

/** @returns the account with `nanos` reserved, or null when that is not free. */
export function hold(account: Account, nanos: Nanos): Account | null {
  if (account.recalled || freeNanosOf(account) < nanos) return null;
  return {
    ...account,
    reservedNanos: account.reservedNanos + nanos,
    drawnNanos: account.drawnNanos + nanos,
  };
}

/** Ends a reservation: `billedNanos` of it are spent, the rest is free again or goes back. */
export function endReservation(account: Account, reservedNanos: Nanos, billedNanos: Nanos): Account {
  assertInvariant(billedNanos <= reservedNanos, "B4: billed <= reserved", { billedNanos, reservedNanos });
  assertInvariant(reservedNanos <= account.reservedNanos, "B3: a reservation ends once", {
    reservedNanos,
    heldNanos: account.reservedNanos,
  });
  return giveBack({
    ...account,
    reservedNanos: account.reservedNanos - reservedNanos,
    spentNanos: account.spentNanos + billedNanos,
  });
}

export function addFigure(account: Account, figure: DeliveryFigure): Account {
  return { ...account, counts: { ...account.counts, [figure]: (account.counts[figure] ?? 0) + 1 } };
}

/** What an account counted beyond what is booked of it. */
export function figuresBeyond(counts: DeliveryCounts, booked: DeliveryCounts): DeliveryCounts {
  const beyond = DELIVERY_FIGURES.map((figure) => [figure, Math.max(0, (counts[figure] ?? 0) - (booked[figure] ?? 0))]);
  return Object.fromEntries(beyond) as DeliveryCounts;
}

/**
 * Asks for what lacks for `nanos`, or for twice what was drawn since the last report, whichever is more.
 * @returns null while an earlier want is out.
 */
export function want(account: Account, nanos: Nanos, nowMs: EpochMs): Account | null {
  if (nowMs < account.wantAgainAtMs) return null;
  const wantedNanos = Math.max(nanos, 2 * account.drawnNanos) - freeNanosOf(account);
  return {
    ...account,
    wantedMicros: Math.max(1, Math.ceil(wantedNanos / 1000)),
    wantAgainAtMs: nowMs + account.wantWaitMs,
    wantWaitMs: Math.min(account.wantWaitMs * 2, WANT_WAIT_MS_MAX),
  };
}

/** Asks ahead when less is free than the last two seconds' demand twice over, so that a busy account does not run dry. */
export function wantAhead(account: Account, nowMs: EpochMs): Account {
  if (account.recalled || account.drawnNanos === 0 || freeNanosOf(account) >= 2 * account.drawnNanos) return account;
  return want(account, 0, nowMs) ?? account;
}
