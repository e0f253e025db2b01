import fc from "fast-check";
import { expect, test } from "vitest";
import { TRACKED_EVENTS, type TrackedEvent } from "../../protocols/tracked-event.ts";
import type { Account } from "../../actors/wallet/state.ts";
import { MoneyWorld } from "../support/money-world.ts";

const START_MS = 1_795_518_000_000;
const NANOS = 10_000_000;
const terms = {
  version: 1,
  campaign: "spring",
  live: true,
  timezone: "UTC",
  startsAtMs: null,
  endsAtMs: null,
  lifetimeMicros: 1_000_000,
  pacing: "asap" as const,
  dailyMicros: null,
  impressionNanosMax: NANOS,
};
const played = TRACKED_EVENTS.filter((event) => event !== "loss");

/** @returns what is left of the events: the account, and the kinds of rows and outcomes without their order. */
function effectOf(events: readonly TrackedEvent[]): unknown {
  const world = new MoneyWorld(START_MS, 2);
  world.terms(terms);
  world.deliverAll();
  const id = world.bid(0, terms, NANOS, 600_000);
  if (id === null) throw new Error("the first bid must be affordable");
  for (const event of events) world.event(id, event, START_MS);
  const accounts = world.parts("wallet", "account/").map(({ value }) => value as Account);
  const spent = accounts.map(({ spentNanos, reservedNanos, counts }) => ({ spentNanos, reservedNanos, counts }));
  const rows = (world.rows as { event: string }[]).map(({ event }) => event).filter((event) => event !== "bill");
  return {
    spent,
    rows: rows.filter((event) => event !== "impression").sort(),
    outcomes: world.outcomes.map(({ event }) => event).sort(),
  };
}

test("N1: events have the effect of having come once each, in whatever order and however often they come", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.constantFrom(...played), { minLength: 1 }),
      fc.infiniteStream(fc.nat()),
      (kinds, draws) => {
        const repeated = [...kinds, ...kinds, ...kinds]
          .map((event) => ({ event, place: draws.next().value }))
          .sort((one, other) => one.place - other.place)
          .map(({ event }) => event);
        expect(effectOf(repeated)).toEqual(effectOf(kinds));
      },
    ),
    { numRuns: 150 },
  );
});

test("N2: starts are never fewer than completes, and impressions never fewer than starts", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...TRACKED_EVENTS), { maxLength: 20 }), (events) => {
      const { spent } = effectOf(events) as { spent: Pick<Account, "counts">[] };
      for (const { counts } of spent) {
        expect(counts.impressions ?? 0).toBeGreaterThanOrEqual(counts.starts ?? 0);
        expect(counts.starts ?? 0).toBeGreaterThanOrEqual(counts.completes ?? 0);
      }
    }),
    { numRuns: 150 },
  );
});
