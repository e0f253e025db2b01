import fc from "fast-check";
import { expect, test } from "vitest";
import type { CatalogDocument } from "../../actors/decision/compile-index.ts";
import { compileIndex } from "../../actors/decision/compile-index.ts";
import type { Decision, Roles } from "../../actors/decision/decision.ts";
import { decide } from "../../actors/decision/kernel.ts";
import { frequencyAgent } from "../../actors/frequency/agent.ts";
import type { FrequencyPart } from "../../actors/frequency/part.ts";
import { SEPARATION, separationAgent } from "../../actors/separation/agent.ts";
import type { SeparationPart } from "../../actors/separation/part.ts";
import { TIERS } from "../../protocols/campaign/campaign.ts";
import type { DecisionRequest } from "../../protocols/messages/listener.ts";
import type { CommittedDecision, Proposal, RoleVeto } from "../../protocols/roles.ts";
import { ask, indexOf, type LineSpec, lines, NOON_MS, request, rolesOf } from "../support/campaigns.ts";

const MINUTE_MS = 60_000;
const COUNTRIES = ["DEU", "USA", "FRA"];
const CATEGORIES = ["IAB1", "IAB1-6", "IAB2", "IAB17-3", "IAB17"];
const DOMAINS = ["a.example", "shop.a.example", "b.example"];
const INSTANTS = ["2026-11-24T11:59:59Z", "2026-11-24T12:00:00Z", "2026-11-24T12:00:01Z"];
/** Each rule is seldom in the way, so that a dozen of them leave something. */
const seldom = <T>(usual: T, values: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: values });
const maybe = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => seldom<T | undefined>(undefined, values);
const some = <T>(values: readonly T[]): fc.Arbitrary<T[]> => seldom([], fc.subarray([...values]));
const defined = <T extends object>(fields: T): T =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;

const lineSpec = (id: string): fc.Arbitrary<LineSpec> =>
  fc
    .record({
      domain: fc.constantFrom(...DOMAINS),
      tier: fc.constantFrom(...TIERS),
      status: fc.constantFrom("active", "active", "active", "paused", "draft"),
      currency: fc.constantFrom("USD", "USD", "USD", "EUR"),
      startsAt: maybe(fc.constantFrom(...INSTANTS)),
      endsAt: maybe(fc.constantFrom(...INSTANTS)),
      bidCpmMicros: fc.integer({ min: 0, max: 6 }).map((steps) => steps * 1_000_000),
      rotation: fc.constantFrom("even", "weighted", "sequential", "optimised"),
      targeting: fc
        .record({
          countries: maybe(some(COUNTRIES)),
          genres: maybe(some(["rock", "jazz"])),
          platforms: maybe(some(["mobile", "web"])),
          feeds: maybe(some([1, 3])),
          dayparts: maybe(fc.constant([{ days: [2], from: "10:00", to: "13:00" }])),
        })
        .map(defined),
      durationMs: fc.constantFrom(15_000, 20_000, 30_000),
      mimeType: seldom("audio/mpeg", fc.constant("audio/ogg")),
      secure: seldom(true, fc.constant(false)),
      bitrateKbps: seldom<number | undefined>(128, fc.constantFrom(undefined, 64, 320)),
      categories: fc.subarray(CATEGORIES, { maxLength: 2 }),
      attributes: some([1, 2, 3]),
      languages: some(["de", "en"]),
      creatives: fc.integer({ min: 1, max: 3 }),
    })
    .map((drawn) => ({
      id,
      advertiserId: `adv-${drawn.domain.replaceAll(".", "-")}`,
      domain: drawn.domain,
      creatives: drawn.creatives,
      campaign: defined({
        tier: drawn.tier,
        status: drawn.status,
        currency: drawn.currency,
        startsAt: drawn.startsAt,
        endsAt: drawn.endsAt,
      }),
      adSet: {
        bidCpmMicros: drawn.bidCpmMicros,
        rotation: drawn.rotation,
        targeting: drawn.targeting,
        creatives: Array.from({ length: drawn.creatives }, (_, at) => ({ id: at === 0 ? id : `${id}-${at + 1}` })),
      } as NonNullable<LineSpec["adSet"]>,
      creative: {
        durationMs: drawn.durationMs,
        mediaFiles: [
          defined({
            url: `${drawn.secure ? "https" : "http"}://cdn.example/${id}`,
            mimeType: drawn.mimeType,
            bitrateKbps: drawn.bitrateKbps,
          }),
        ],
        categories: drawn.categories,
        attributes: drawn.attributes,
        languages: drawn.languages,
      },
    }));

const linesOf = fc
  .integer({ min: 1, max: 40 })
  .chain((count) => fc.tuple(...Array.from({ length: count }, (_, at) => lineSpec(`c${at}`))));

const requestOf: fc.Arbitrary<DecisionRequest> = fc
  .record({
    country: fc.constantFrom(...COUNTRIES, undefined),
    genres: fc.subarray(["rock", "jazz"]),
    platform: fc.constantFrom("mobile" as const, "web" as const, undefined),
    feed: fc.constantFrom(1, 3, undefined),
    hourOfWeek: fc.constantFrom(24 + 12, 24 + 13, undefined),
    mimes: seldom<string[]>(["audio/mpeg"], fc.constantFrom(["audio/ogg"], ["audio/mpeg", "audio/ogg"])),
    secure: fc.boolean(),
    minDurationMs: seldom(0, fc.constant(20_000)),
    maxDurationMs: maybe(fc.constantFrom(15_000, 30_000)),
    requiredDurationsMs: maybe(some([15_000, 30_000])),
    minBitrateKbps: maybe(fc.constant(100)),
    maxBitrateKbps: maybe(fc.constant(200)),
    floorCpmMicros: fc.constantFrom(0, 0, 2_000_000, 5_000_000),
    blockedAttributes: some([1, 2]),
    blockedCategories: some(["IAB1", "IAB17-3"]),
    allowedCategories: maybe(some(["IAB1", "IAB17", "IAB2"])),
    allowedLanguages: maybe(some(["de"])),
    blockedAdvertiserDomains: some(["a.example"]),
  })
  .map((drawn) => {
    const { country, genres, platform, feed, hourOfWeek, ...rest } = drawn;
    const { blockedCategories, allowedCategories, allowedLanguages, blockedAdvertiserDomains, ...slot } = rest;
    const base = request();
    return {
      ...base,
      ...defined({ blockedCategories, allowedCategories, allowedLanguages, blockedAdvertiserDomains }),
      context: defined({ country, genres, platform, feed, hourOfWeek }),
      slot: { ...base.slot, ...defined(slot) },
    };
  });

function decided(documents: readonly CatalogDocument[], asked: DecisionRequest, seed: string, roles?: Roles): Decision {
  const inputs = { nowMs: NOON_MS, request: asked, sessionStartedMs: NOON_MS, refusedCampaigns: [] };
  return decide(inputs, { catalog: compileIndex(documents, 1) }, roles ?? rolesOf(), seed);
}

/** The rules of V1 said once more, from the documents, the slow way. */
function mayServe(spec: LineSpec, asked: DecisionRequest): boolean {
  const { campaign = {}, adSet = {}, creative = {} } = spec;
  const { context, slot } = asked;
  const targeting = adSet.targeting ?? {};
  const meets = (wanted: readonly unknown[] | undefined, values: readonly unknown[]): boolean =>
    wanted === undefined || wanted.length === 0 || values.some((value) => wanted.includes(value));
  const under = (ids: readonly string[], id: string): boolean =>
    ids.some((each) => each === id || id.startsWith(`${each}-`));
  const categories = creative.categories ?? [];
  const [file] = creative.mediaFiles ?? [];
  const required = slot.requiredDurationsMs ?? [];
  const durationMs = creative.durationMs ?? 0;
  const bitrate = file?.bitrateKbps;
  const rules = [
    campaign.status === "active",
    campaign.currency === "USD",
    campaign.startsAt == null || Date.parse(campaign.startsAt) <= NOON_MS,
    campaign.endsAt == null || Date.parse(campaign.endsAt) > NOON_MS,
    meets(targeting.countries, [context.country]),
    meets(targeting.genres, context.genres),
    meets(targeting.platforms, [context.platform]),
    meets(targeting.feeds, [context.feed]),
    targeting.dayparts === undefined || context.hourOfWeek === 36,
    (adSet.bidCpmMicros ?? 0) >= slot.floorCpmMicros,
    required.length > 0
      ? required.includes(durationMs)
      : durationMs >= slot.minDurationMs && durationMs <= (slot.maxDurationMs ?? Infinity),
    slot.mimes.includes(file?.mimeType ?? ""),
    !slot.secure || (file?.url.startsWith("https:") ?? false),
    slot.minBitrateKbps === undefined || (bitrate !== undefined && bitrate >= slot.minBitrateKbps),
    slot.maxBitrateKbps === undefined || (bitrate !== undefined && bitrate <= slot.maxBitrateKbps),
    !(creative.attributes ?? []).some((attribute) => slot.blockedAttributes.includes(attribute)),
    !categories.some((id) => under(asked.blockedCategories, id)),
    (asked.allowedCategories ?? []).length === 0 ||
      (categories.length > 0 && categories.every((id) => under(asked.allowedCategories ?? [], id))),
    meets(asked.allowedLanguages, creative.languages ?? []) || (creative.languages ?? []).length === 0,
    !asked.blockedAdvertiserDomains.some((domain) => spec.domain === domain || spec.domain?.endsWith(`.${domain}`)),
  ];
  return rules.every(Boolean);
}

const tierOf = (spec: LineSpec | undefined): number => TIERS.indexOf(spec?.campaign?.tier ?? "standard");
const bidOf = (spec: LineSpec | undefined): number => spec?.adSet?.bidCpmMicros ?? 0;

test("V1, A3: exactly what the rules allow can win, and of it the best bid of the highest tier does", () => {
  let served = 0;
  fc.assert(
    fc.property(linesOf, requestOf, fc.uuid(), (specs, asked, seed) => {
      const decision = decided(lines(...specs), asked, seed);
      const allowed = specs.filter((spec) => mayServe(spec, asked) && bidOf(spec) > 0);
      const winner = specs.find(({ id }) => id === decision.winner?.adSet.id);
      if (allowed.length === 0) {
        expect(winner).toBeUndefined();
        return;
      }
      served += 1;
      const tier = Math.min(...allowed.map(tierOf));
      const bid = Math.max(...allowed.filter((spec) => tierOf(spec) === tier).map(bidOf));
      expect(allowed).toContain(winner);
      expect([tierOf(winner), bidOf(winner)]).toEqual([tier, bid]);
      const ties = allowed.filter((spec) => tierOf(spec) === tier && bidOf(spec) === bid).length;
      const creatives = winner?.adSet?.rotation === "sequential" ? 1 : (winner?.creatives ?? 1);
      expect(decision.propensity).toBeCloseTo(1 / ties / creatives, 12);
    }),
    { numRuns: 1_000 },
  );
  // Rules that leave nothing would prove nothing.
  expect(served).toBeGreaterThan(500);
});

test("V1: what any safety agent vetoes is never served, whatever the others say", () => {
  const vetoing = fc.array(fc.record({ role: fc.constantFrom("frequency", "separation", "pacing"), at: fc.nat(60) }), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(linesOf, requestOf, fc.uuid(), vetoing, (specs, asked, seed, vetoes) => {
      const against = (role: string, proposals: readonly Proposal[]): RoleVeto[] =>
        proposals.flatMap(({ adSet, creatives }, proposal) =>
          vetoes.flatMap((veto): RoleVeto[] => {
            if (veto.role !== role) return [];
            if (adSet.id === `c${veto.at}`) return [{ proposal, reason: "test", rule: "ad set" }];
            const creative = creatives.find(({ id }) => id === `c${veto.at - 20}-2`);
            return creative === undefined
              ? []
              : [{ proposal, creativeId: creative.id, reason: "test", rule: "creative" }];
          }),
        );
      const base = rolesOf();
      const verdict = { variant: "default", version: "1", outcome: "answered", micros: 0 } as const;
      const roles: Roles = {
        ...base,
        frequency: ({ proposals }) => ({
          ...verdict,
          role: "frequency",
          answer: { vetoes: against("frequency", proposals) },
        }),
        separation: ({ proposals }) => ({
          ...verdict,
          role: "separation",
          answer: { vetoes: against("separation", proposals) },
        }),
        pacing: ({ proposals }) => ({ ...verdict, role: "pacing", answer: { vetoes: against("pacing", proposals) } }),
      };
      const { winner } = decided(lines(...specs), asked, seed, roles);
      if (winner === null) return;
      const forbidden = vetoes.flatMap(({ at }) => [`c${at}`]);
      expect(forbidden).not.toContain(winner.adSet.id);
      expect(vetoes.map(({ at }) => `c${at - 20}-2`)).not.toContain(winner.creative.id);
    }),
    { numRuns: 500 },
  );
});

test("A2: raising a winner's bid never loses what it won", () => {
  fc.assert(
    fc.property(linesOf, requestOf, fc.uuid(), fc.integer({ min: 1, max: 50 }), (specs, asked, seed, steps) => {
      const before = decided(lines(...specs), asked, seed).winner;
      if (before === null) return;
      const raised = specs.map((spec) =>
        spec.id === before.adSet.id
          ? { ...spec, adSet: { ...spec.adSet, bidCpmMicros: bidOf(spec) + steps * 100_000 } }
          : spec,
      );
      const after = decided(lines(...raised), asked, seed).winner;
      expect(after?.adSet.id).toBe(before.adSet.id);
      expect(after?.creative.id).toBe(before.creative.id);
    }),
    { numRuns: 500 },
  );
});

test("X1: the same inputs and seed give the same decision, in whatever order the documents came", () => {
  fc.assert(
    fc.property(linesOf, requestOf, fc.uuid(), (specs, asked, seed) => {
      const documents = lines(...specs);
      const first = decided(documents, asked, seed);
      expect(decided(documents, asked, seed)).toEqual(first);
      const reversed = decided([...documents].reverse(), asked, seed);
      expect(reversed.winner?.creative.id).toBe(first.winner?.creative.id);
      expect(reversed.propensity).toBe(first.propensity);
    }),
    { numRuns: 300 },
  );
});

type Step =
  | { readonly kind: "decide"; readonly afterMs: number }
  | { readonly kind: "billed" | "released"; readonly pick: number; readonly afterMs: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("decide" as const), afterMs: fc.integer({ min: 0, max: 40 * MINUTE_MS }) }),
    fc.record({
      kind: fc.constantFrom("billed" as const, "released" as const),
      pick: fc.nat(10),
      afterMs: fc.integer({ min: 0, max: 15 * MINUTE_MS }),
    }),
  ),
  { maxLength: 120, size: "max" },
);

const EXPIRY_MS = 20 * MINUTE_MS;

interface Open extends CommittedDecision {
  readonly creativeId: string;
}

/** Plays steps against the two reducers as the listener does; open bids end at their expiry, as delivery ends them. */
function play(
  script: readonly Step[],
  next: (
    parts: { frequency: FrequencyPart | undefined; separation: SeparationPart | undefined },
    nowMs: number,
  ) => { readonly adSet: CommittedDecision["adSet"]; readonly creative: CommittedDecision["creative"] } | undefined,
  check: (
    heard: readonly { readonly campaignId: string; readonly atMs: number }[],
    open: readonly Open[],
    nowMs: number,
  ) => void,
): void {
  let frequency: FrequencyPart | undefined;
  let separation: SeparationPart | undefined;
  let open: Open[] = [];
  const heard: { campaignId: string; atMs: number }[] = [];
  let nowMs = NOON_MS;
  const end = (bid: Open, event: "billed" | "released", atMs: number): void => {
    const told = {
      decisionId: bid.decisionId,
      campaignId: bid.adSet.campaignId,
      creativeId: bid.creativeId,
      event,
      atMs,
    };
    open = open.filter((each) => each !== bid);
    frequency = frequencyAgent.onEvent?.(frequency, told, atMs);
    separation = separationAgent.onEvent?.(separation, told, atMs);
    if (event === "billed") heard.push({ campaignId: bid.adSet.campaignId, atMs });
  };
  script.forEach((step, at) => {
    nowMs += step.afterMs;
    for (const bid of open.filter(({ expiresAtMs }) => expiresAtMs < nowMs)) end(bid, "released", bid.expiresAtMs);
    if (step.kind === "decide") {
      const won = next({ frequency, separation }, nowMs);
      if (won === undefined) return;
      const bid = {
        ...won,
        decisionId: `d${at}`,
        atMs: nowMs,
        expiresAtMs: nowMs + EXPIRY_MS,
        creativeId: won.creative.id,
      };
      frequency = frequencyAgent.onCommitted?.(frequency, bid, nowMs);
      separation = separationAgent.onCommitted?.(separation, bid, nowMs);
      open = [...open, bid];
    } else {
      const bid = open[step.pick % Math.max(1, open.length)];
      if (bid !== undefined) end(bid, step.kind, nowMs);
    }
    check(heard, open, nowMs);
  });
}

test("F1, F2: heard + pending never exceeds a rolling cap, and every free place is given", () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 5 }), fc.constantFrom("30m", "1h", "3h"), (script, limit, window) => {
      const windowMs = window === "30m" ? 30 * MINUTE_MS : Number(window[0]) * 60 * MINUTE_MS;
      const index = indexOf({ id: "a", campaign: { frequencyCaps: [{ limit, window, kind: "rolling" }] } });
      const [adSet] = index.adSets;
      const [creative] = index.creatives;
      if (adSet === undefined || creative === undefined) throw new Error("no ad set");
      let heardNow: readonly { readonly atMs: number }[] = [];
      let openNow = 0;
      play(
        script,
        ({ frequency }, nowMs) => {
          const question = { proposals: [{ adSet, creatives: [creative] }], sessionStartedMs: 0 };
          const isFree = ask(frequencyAgent, question, frequency, nowMs).answer.vetoes.length === 0;
          const expired = openNow; // open bids that ended meanwhile are only fewer
          const within = heardNow.filter(({ atMs }) => atMs > nowMs - windowMs).length;
          if (within + expired < limit) expect(isFree).toBe(true);
          return isFree ? { adSet, creative } : undefined;
        },
        (heard, open, nowMs) => {
          heardNow = heard;
          openNow = open.length;
          for (const { atMs } of [...heard, { atMs: nowMs }]) {
            const inWindow = heard.filter((each) => each.atMs <= atMs && each.atMs > atMs - windowMs).length;
            expect(inWindow + (atMs === nowMs ? open.length : 0)).toBeLessThanOrEqual(limit);
          }
        },
      );
    }),
    { numRuns: 500 },
  );
});

test("S4: whoever answers, the ad decided last and not lost is never decided again within the gap", () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 4 }), (script, campaigns) => {
      const specs = Array.from({ length: campaigns }, (_, at) => ({ id: `c${at}`, creatives: 2 }));
      const catalog = indexOf(...specs);
      let last: { readonly creativeId: string; readonly atMs: number } | undefined;
      play(
        script,
        ({ separation }, nowMs) => {
          const asked = request();
          const inputs = { nowMs, request: asked, sessionStartedMs: NOON_MS, refusedCampaigns: [] };
          const { winner } = decide(inputs, { catalog }, rolesOf({ nowMs, separation }), `${nowMs}`);
          const newest = separation?.recent.at(-1);
          last = newest === undefined ? undefined : { creativeId: newest.creativeId, atMs: newest.atMs };
          if (winner === null) return undefined;
          if (last !== undefined && nowMs - last.atMs < SEPARATION.creativeGapMs)
            expect(winner.creative.id).not.toBe(last.creativeId);
          return winner;
        },
        () => undefined,
      );
    }),
    { numRuns: 300 },
  );
});
