import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { BudgetTerms } from "../../protocols/messages/budget.ts";
import type { TrackedEvent } from "../../protocols/tracked-event.ts";
import { microsOf } from "../../protocols/quantities.ts";
import type { AccountRow, LedgerHead } from "../../actors/budget/state.ts";
import type { Account } from "../../actors/wallet/state.ts";
import { MoneyWorld } from "../support/money-world.ts";

const HOUR_MS = 3_600_000;
const PARTITIONS = 3;
/** 12.3451 USD CPM: one impression is no whole number of micros, and a grant of it is rounded up by most of one. */
const PRICES = [12_345_100, 8_000_000, 1_500] as const;
const DEAREST = PRICES[0];
/** More accounts than a sequence of steps can open. */
const ACCOUNTS_MAX = 500;

/** Shortly before midnight at a change of the clocks: 25-hour, 23-hour, half-hour days and far-off days. */
const PLACES = [
  { timezone: "Europe/Berlin", nowMs: 1_792_878_000_000 }, // 2026-10-24T21:40Z
  { timezone: "America/New_York", nowMs: 1_804_910_000_000 },
  { timezone: "Australia/Lord_Howe", nowMs: 1_806_760_000_000 },
  { timezone: "Asia/Kathmandu", nowMs: 1_795_000_000_000 },
  { timezone: "Pacific/Apia", nowMs: 1_795_000_000_000 },
] as const;

type Step =
  | { do: "bid"; partition: number; price: number; holdMs: number; test: boolean }
  | { do: "event"; pick: number; event: TrackedEvent }
  | { do: "withdraw"; pick: number }
  | { do: "deliver"; place: number; keepCopy: boolean }
  | { do: "settle" }
  | { do: "advance"; byMs: number; settle: boolean }
  | { do: "terms"; lifetime: number | null; daily: number | null; live: boolean }
  | { do: "crash" };

const impressions = fc.option(fc.integer({ min: 0, max: 60 }), { nil: null, freq: 4 });
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 10,
      arbitrary: fc.record({
        do: fc.constant("bid" as const),
        partition: fc.integer({ min: 0, max: PARTITIONS - 1 }),
        price: fc.constantFrom(...PRICES),
        holdMs: fc.constantFrom(5_000, 600_000, 4_200_000),
        test: fc.integer({ min: 0, max: 9 }).map((one) => one === 0),
      }),
    },
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant("event" as const),
        pick: fc.nat(),
        event: fc.constantFrom<TrackedEvent>(
          "impression",
          "impression",
          "impression",
          "bill",
          "loss",
          "start",
          "complete",
          "win",
        ),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("withdraw" as const), pick: fc.nat() }) },
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant("deliver" as const), place: fc.nat(), keepCopy: fc.boolean() }),
    },
    { weight: 4, arbitrary: fc.constant({ do: "settle" as const }) },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant("advance" as const),
        byMs: fc.constantFrom(100, 2_100, 2_100, 2_100, 60_000, HOUR_MS, 26 * HOUR_MS, 80 * HOUR_MS),
        settle: fc.boolean(),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant("terms" as const),
        lifetime: impressions,
        daily: impressions,
        live: fc.integer({ min: 0, max: 3 }).map((one) => one > 0),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ do: "crash" as const }) },
  ),
  { minLength: 60, maxLength: 160 },
);

const PACES = ["asap", "even", "front-loaded", "traffic"] as const;

/** Runs steps against the actors and keeps its own books to compare theirs with. */
class Model {
  readonly world: MoneyWorld;
  terms: BudgetTerms;
  readonly opened: { id: string; nanos: number; test: boolean }[] = [];
  readonly billed = new Set<string>();
  lifetimeBound = Number.POSITIVE_INFINITY;
  dailyBound: { others: number; known: Map<string, number> } = { others: Number.POSITIVE_INFINITY, known: new Map() };

  constructor(place: (typeof PLACES)[number]) {
    this.world = new MoneyWorld(place.nowMs, PARTITIONS);
    this.terms = {
      version: 0,
      campaign: "spring",
      live: true,
      timezone: place.timezone,
      startsAtMs: null,
      endsAtMs: null,
      lifetimeMicros: null,
      pacing: "asap",
      dailyMicros: null,
      impressionNanosMax: DEAREST,
    };
    this.change(20, 12, true);
  }

  change(lifetime: number | null, daily: number | null, live: boolean): void {
    const micros = (count: number | null): number | null =>
      count === null ? null : Math.ceil((count * DEAREST) / 1000);
    this.terms = {
      ...this.terms,
      version: this.terms.version + 1,
      live,
      lifetimeMicros: micros(lifetime),
      // Another pace with each change, and the same again when a failure is replayed.
      pacing: PACES[this.terms.version % PACES.length] ?? "asap",
      dailyMicros: micros(daily),
    };
    const { head, days } = this.ledger();
    const committed = [...days.values()].reduce((sum, one) => sum + one, head?.closed.committedMicros ?? 0);
    this.lifetimeBound = Math.max(this.terms.lifetimeMicros ?? Number.POSITIVE_INFINITY, committed);
    const dailyMicros = this.terms.dailyMicros ?? Number.POSITIVE_INFINITY;
    this.dailyBound = {
      others: dailyMicros,
      known: new Map([...days].map(([day, sum]) => [day, Math.max(sum, dailyMicros)])),
    };
    this.world.terms(this.terms);
  }

  run(step: Step): void {
    const { world } = this;
    switch (step.do) {
      case "bid": {
        const id = world.bid(step.partition, this.terms, step.price, step.holdMs, step.test);
        if (id !== null) this.opened.push({ id, nanos: step.price, test: step.test });
        return;
      }
      case "event":
        this.event(step.pick, step.event);
        return;
      case "withdraw": {
        const one = this.opened[step.pick % this.opened.length];
        if (one !== undefined) world.withdraw(one.id);
        return;
      }
      case "deliver":
        if (world.mail.length > 0) world.deliver(step.place % world.mail.length, step.keepCopy);
        return;
      case "settle":
        world.deliverAll();
        return;
      case "advance":
        world.advanceTo(world.nowMs + step.byMs, step.settle);
        return;
      case "terms":
        this.change(step.lifetime, step.daily, step.live);
        return;
      case "crash":
        world.crash();
    }
  }

  event(pick: number, event: TrackedEvent): void {
    const one = this.opened[pick % this.opened.length];
    if (one === undefined) return;
    const ended = this.ends(one.id);
    const status = this.world.event(one.id, event);
    if (one.test) expect(["test", "absent"]).toContain(status);
    else if ((event === "impression" || event === "bill") && status === "accepted") {
      expect(ended, "B5: an ended reservation is not billed").toBe(0);
      expect(this.billed.has(one.id), "N1: billed once").toBe(false);
      this.billed.add(one.id);
    }
  }

  ends(id: string): number {
    return this.world.outcomes.filter(
      (one) => one.decisionId === id && (one.event === "billed" || one.event === "released"),
    ).length;
  }

  ledger(): { head: LedgerHead | undefined; days: Map<string, number>; rows: [string, AccountRow][] } {
    const parts = this.world.parts("budget", "");
    const head = parts.find((one) => one.name === "head")?.value as LedgerHead | undefined;
    const rows = parts
      .filter((one) => one.name.startsWith("day/"))
      .flatMap((part) =>
        Object.values(part.value as Record<string, AccountRow>).map((row): [string, AccountRow] => [
          part.name.slice("day/".length),
          row,
        ]),
      );
    const days = new Map<string, number>();
    for (const [day, row] of rows)
      days.set(day, (days.get(day) ?? 0) + row.grantedMicros - (row.report?.returnedMicros ?? 0));
    return { head, days, rows };
  }

  check(): void {
    const { head, days } = this.ledger();
    const lifetime = [...days.values()].reduce((sum, one) => sum + one, head?.closed.committedMicros ?? 0);
    expect(lifetime, "B1 for life").toBeLessThanOrEqual(this.lifetimeBound);
    for (const [day, sum] of days)
      expect(sum, `B1 on ${day}`).toBeLessThanOrEqual(this.dailyBound.known.get(day) ?? this.dailyBound.others);

    const held = new Map<string, number>();
    let [spent, reserved] = [0, 0];
    for (const { name, value } of this.world.parts("wallet", "account/")) {
      const account = value as Account;
      const day = name.slice("account/spring/".length);
      const holding = (account.grantedMicros - account.returnedMicros) * 1000;
      expect(holding - account.spentNanos - account.reservedNanos, "B2: never below zero").toBeGreaterThanOrEqual(0);
      reserved += account.reservedNanos;
      if (head?.closed.through != null && day <= head.closed.through) continue;
      spent += account.spentNanos;
      held.set(day, (held.get(day) ?? 0) + holding);
    }
    for (const [day, holding] of held)
      expect(holding, `B1: wallets hold no more than the ledger gave on ${day}`).toBeLessThanOrEqual(
        (days.get(day) ?? 0) * 1000,
      );
    const closed = head === undefined ? 0 : head.closed.spent.micros * 1000 + head.closed.spent.nanos;
    const priced = (of: (id: string) => boolean): number =>
      this.opened.filter((one) => !one.test && of(one.id)).reduce((sum, one) => sum + one.nanos, 0);
    expect(spent + closed, "B2: spent is what was billed").toBe(priced((id) => this.billed.has(id)));
    expect(reserved, "B3, B4: reserved is what is still open").toBe(priced((id) => this.ends(id) === 0));
    for (const one of this.opened) expect(this.ends(one.id), "B3").toBeLessThanOrEqual(one.test ? 0 : 1);
  }
}

describe("the ledger of a campaign", () => {
  test("B1–B5, N1: whatever repeats, reorders, pauses, cuts and crashes, no money is made, lost or spent twice", () => {
    fc.assert(
      fc.property(fc.constantFrom(...PLACES), steps, (place, sequence) => {
        const model = new Model(place);
        for (const step of sequence) {
          model.run(step);
          model.check();
        }
      }),
      { numRuns: 150 },
    );
  });

  test("a paused campaign gets all back that was not billed, and its days close", () => {
    fc.assert(
      fc.property(fc.constantFrom(...PLACES), steps, (place, sequence) => {
        const model = new Model(place);
        const { world } = model;
        for (const step of sequence) model.run(step);
        model.change(1_000, 1_000, false);
        world.advanceTo(world.nowMs + 2 * HOUR_MS);
        model.check();
        const { spentMicros, reservedMicros, grantedMicros, counts } = world.balance("spring");
        const billed = model.opened.filter((one) => model.billed.has(one.id));
        expect(spentMicros).toBe(microsOf(billed.reduce((sum, one) => sum + one.nanos, 0)));
        expect(reservedMicros).toBe(0);
        expect(grantedMicros, "less than a micro an account stays").toBeLessThan(ACCOUNTS_MAX);
        expect(counts.impressions ?? 0).toBe(billed.length);
        world.advanceTo(world.nowMs + 120 * HOUR_MS);
        model.check();
        expect(world.parts("wallet", "account/")).toEqual([]);
        expect(model.ledger().rows).toEqual([]);
        for (const mail of [...world.history]) world.repeat(mail);
        expect(world.parts("wallet", "account/"), "nothing brings a closed account back").toEqual([]);
        world.deliverAll();
        model.check();
        expect(world.balance("spring")).toMatchObject({ spentMicros, reservedMicros: 0, counts });
      }),
      { numRuns: 60 },
    );
  });

  test("what a budget affords is sold, wherever the demand is, and not one impression more", () => {
    const price = 10_000_000;
    const demand = fc.array(fc.tuple(fc.integer({ min: 0, max: PARTITIONS - 1 }), fc.integer({ min: 1, max: 30 })), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), demand, fc.boolean(), (affordable, bursts, daily) => {
        const world = new MoneyWorld(PLACES[3].nowMs, PARTITIONS);
        const budgetMicros = (affordable * price) / 1000;
        const terms: BudgetTerms = {
          version: 1,
          campaign: "spring",
          live: true,
          timezone: "UTC",
          startsAtMs: null,
          endsAtMs: null,
          lifetimeMicros: daily ? null : budgetMicros,
          pacing: "asap",
          dailyMicros: daily ? budgetMicros : null,
          impressionNanosMax: price,
        };
        world.terms(terms);
        let sold = 0;
        for (let round = 0; round < 60; round++) {
          for (const [partition, requests] of bursts) {
            world.advanceTo(world.nowMs + 1_000);
            for (let request = 0; request < requests; request++)
              if (world.bid(partition, terms, price, 60 * HOUR_MS) !== null) sold += 1;
          }
        }
        expect(sold).toBe(affordable);
      }),
      { numRuns: 150 },
    );
  });
});
