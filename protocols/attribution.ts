import type { TouchKind } from "./messages/conversion.ts";
import type { DurationMs, EpochMs } from "./quantities.ts";

/** How long after a touch a conversion is put down to it, and which of several touches it is (settings `attribution`). */
export interface AttributionRules {
  readonly clickThroughMs: DurationMs;
  readonly listenThroughMs: DurationMs;
  /** last-touch: the latest, clicked or heard; last-click: the latest click, and only without one the latest heard. */
  readonly model: "last-touch" | "last-click";
}

const DAY_MS = 86_400_000;
/** decisioning.md 7.3. */
export const ATTRIBUTION: AttributionRules = {
  clickThroughMs: 30 * DAY_MS,
  listenThroughMs: DAY_MS,
  model: "last-touch",
};

/** An order's clock and a player's differ, and senders cut times to the second: this much earlier than its touch is believed. */
const CLOCKS_MS: DurationMs = 60_000;

/** When an ad was heard and, if so, clicked. */
export interface Contact {
  readonly heardAtMs: EpochMs;
  readonly clickedAtMs: EpochMs | null;
}

/** The touch that a conversion at `atMs` joins: the click within its window, else the listening within its own, else none. */
export function touchAt(
  { heardAtMs, clickedAtMs }: Contact,
  atMs: EpochMs,
  rules: AttributionRules,
): { readonly kind: TouchKind; readonly atMs: EpochMs } | null {
  if (clickedAtMs !== null && isWithin(clickedAtMs, atMs, rules.clickThroughMs))
    return { kind: "click", atMs: clickedAtMs };
  return isWithin(heardAtMs, atMs, rules.listenThroughMs) ? { kind: "listen", atMs: heardAtMs } : null;
}

/** The contact that a conversion at `atMs` is put down to, or null; of two at the same moment, the later in the list. */
export function lastContact<C extends Contact>(
  contacts: readonly C[],
  atMs: EpochMs,
  rules: AttributionRules,
): C | null {
  let last: { readonly contact: C; readonly rank: number; readonly atMs: EpochMs } | null = null;
  for (const contact of contacts) {
    const touch = touchAt(contact, atMs, rules);
    if (touch === null) continue;
    const rank = rules.model === "last-click" && touch.kind === "click" ? 1 : 0;
    if (last === null || rank > last.rank || (rank === last.rank && touch.atMs >= last.atMs))
      last = { contact, rank, atMs: touch.atMs };
  }
  return last?.contact ?? null;
}

const isWithin = (touchAtMs: EpochMs, atMs: EpochMs, windowMs: DurationMs): boolean =>
  atMs >= touchAtMs - CLOCKS_MS && atMs - touchAtMs <= windowMs;
