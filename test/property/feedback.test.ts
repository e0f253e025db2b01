import fc from "fast-check";
import { expect, test } from "vitest";
import type { TrackedEvent } from "../../protocols/tracked-event.ts";
import { expiryMs, readToken, signToken, type TokenFields, tokenKey } from "../../protocols/tracking-token.ts";
import { CLICK_MS } from "../../protocols/messages/delivery.ts";
import { asPartition } from "../../protocols/ids.ts";
import { DAY_MS, FeedbackWorld, HOUR_MS, MINUTE_MS, START_MS } from "../support/feedback-world.ts";

type Act =
  | { readonly kind: "event"; readonly event: TrackedEvent; readonly bot: boolean }
  | { readonly kind: "order"; readonly order: string; readonly clicked: boolean };

const KEY = tokenKey(1, Buffer.alloc(32, 1));
const event = (name: TrackedEvent, bot = false): Act => ({ kind: "event", event: name, bot });
const acts: readonly Act[] = [
  event("impression"),
  event("click"),
  event("start"),
  event("complete"),
  event("click", true),
  event("impression", true),
  { kind: "order", order: "one", clicked: false },
  { kind: "order", order: "two", clicked: true },
];

function apply(world: FeedbackWorld, act: Act): void {
  if (act.kind === "event") world.event(act.event, { bot: act.bot, atMs: START_MS });
  else world.convert(act.order, { clicked: act.clicked, atMs: START_MS });
}

/** What all of it comes to, whatever the order: the account, what was told, and which rows were written. */
function effectOf(world: FeedbackWorld): unknown {
  // "complete-too-soon" stands in the row of whichever of start and complete came second, so it is left out.
  const rows = world.kit.rows.map(({ t, event: name, status }) => `${t} ${name} ${status}`);
  const told = world.kit.sent("Outcome").map(({ payload }) => payload.event as string);
  const { counts, spentNanos } = world;
  return { counts, spentNanos, rows: rows.sort(), told: told.sort() };
}

test("N1: events and conversions have the effect of having come once each, in whatever order, however often, over crashes", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.constantFrom(...acts), { minLength: 1 }),
      fc.infiniteStream(fc.nat()),
      fc.boolean(),
      (some, draws, crashes) => {
        const [plain, shuffled] = [new FeedbackWorld(), new FeedbackWorld()];
        for (const act of some) apply(plain, act);
        const places = [...some, ...some, ...some].map((act) => ({ act, place: draws.next().value }));
        for (const { act } of places.sort((one, other) => one.place - other.place)) {
          apply(shuffled, act);
          if (crashes) shuffled.kit.crashAndRecover();
        }
        expect(effectOf(shuffled)).toEqual(effectOf(plain));
      },
    ),
    { numRuns: 200 },
  );
});

test("N1: the playback window's end among them changes no count of clicks and conversions", () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([...acts], { minLength: acts.length }), fc.nat(acts.length), (order, split) => {
      const world = new FeedbackWorld();
      apply(world, event("impression"));
      order.slice(0, split).forEach((act) => apply(world, act));
      world.advance(HOUR_MS);
      order.slice(split).forEach((act) => apply(world, act));
      expect(world.counts).toMatchObject({ impressions: 1, clicks: 1, conversions: 2 });
    }),
    { numRuns: 100 },
  );
});

const tokenFields: fc.Arbitrary<TokenFields> = fc.record({
  decisionId: fc.constant("019a1f2e-7c00-7000-8000-000000000001"),
  partition: fc.nat(1_023).map(asPartition),
  slot: fc.nat(255),
  event: fc.constantFrom<TrackedEvent>("impression", "click", "start", "bill"),
  priceNanos: fc.nat(2 ** 31 - 1),
  impressionExpiryMs: fc.nat(10_000).map((seconds) => START_MS + seconds * 1000),
  clickExpiryMs: fc.nat(100_000).map((seconds) => START_MS + seconds * 1000),
  test: fc.boolean(),
});

test("N3: an altered token is never read, at any time, and an expired one only where its expiry is not what counts", () => {
  fc.assert(
    fc.property(tokenFields, fc.nat(71), fc.nat(62), fc.nat(200_000), (fields, place, step, seconds) => {
      const token = signToken(KEY, fields);
      const nowMs = START_MS + seconds * 1000;
      const reading = readToken([KEY], token, nowMs);
      expect(reading.ok).toBe(nowMs <= expiryMs(fields, fields.event));
      const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
      const other = letters[(letters.indexOf(token[place] ?? "") + 1 + step) % 64];
      const altered = token.slice(0, place) + other + token.slice(place + 1);
      for (const atMs of [0, nowMs]) expect(readToken([KEY], altered, atMs).ok).toBe(false);
    }),
    { numRuns: 500 },
  );
});

test("N4: as long as a token is good, what came before is remembered: nothing counts twice", () => {
  fc.assert(
    fc.property(
      fc.record({
        queueMinutes: fc.nat(24 * 60),
        podcast: fc.boolean(),
        heardShare: fc.double({ min: 0, max: 1, noNaN: true }),
        clickShare: fc.double({ min: 0, max: 1, noNaN: true }),
        repeats: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 }),
      }),
      ({ queueMinutes, podcast, heardShare, clickShare, repeats }) => {
        const expiresAtMs = START_MS + (queueMinutes + 10) * MINUTE_MS;
        const tokensEndMs = expiresAtMs + CLICK_MS;
        const world = new FeedbackWorld({ expiresAtMs, podcast });
        // In the reservation's last millisecond its timer may come first, and an impression then is late.
        world.advance(Math.floor(heardShare * (expiresAtMs - START_MS - 1)));
        expect(world.event("impression")).toBe("accepted");
        world.advance(Math.floor(clickShare * (tokensEndMs - world.nowMs)));
        expect(world.event("click")).toBe("accepted");
        expect(world.convert("order")).toBe("accepted");
        for (const share of [...repeats.sort(), 1]) {
          const untilMs = Math.floor(START_MS + share * (tokensEndMs - START_MS));
          if (untilMs > world.nowMs) world.advance(untilMs - world.nowMs);
          expect([world.event("click"), world.event("impression")]).toEqual(["duplicate", "duplicate"]);
          expect(world.convert("order")).toBe("duplicate");
        }
        // An order's window outlives the tokens, and its memory outlives the window.
        for (let day = 0; day < 40; day++) {
          world.advance(DAY_MS);
          expect(["duplicate", "late", "orphan"]).toContain(world.convert("order", { clicked: true }));
        }
        expect(world.counts).toMatchObject({ impressions: 1, clicks: 1, conversions: 1 });
        expect(world.kit.state).toBeUndefined();
        expect(world.kit.part("", { kind: "conversion", key: "order" })).toBeUndefined();
      },
    ),
    { numRuns: 60 },
  );
});
