import fc from "fast-check";
import { expect, test } from "vitest";
import { compose } from "../../actors/decision/composer.ts";
import { compareWorth, type SlateOption, type SlateProblem } from "../../actors/decision/slate.ts";

const TIERS = 5;
const pairKey = (one: number, other: number): string => `${one}/${other}`;

interface Spec {
  readonly kinds: readonly number[];
  readonly dynamic: boolean;
  readonly pods: readonly number[];
  readonly ads: readonly { readonly line: number; readonly durationMs: number; readonly mark: number }[];
  readonly values: readonly { readonly tier: number; readonly nanos: number; readonly priceNanos: number }[];
  readonly missing: readonly number[];
  readonly podMs: number;
  readonly campaigns: readonly { readonly freeNanos: number; readonly adsMax: number }[];
  /** What keeps two ads apart: for how many ads, in the one pod or everywhere. */
  readonly pairs: readonly {
    readonly one: number;
    readonly other: number;
    readonly reach: number;
    readonly everywhere: boolean;
  }[];
}

/** Up to six places, a few ads, and everything that may keep them apart. */
const specOf: fc.Arbitrary<Spec> = fc.integer({ min: 1, max: 6 }).chain((places) =>
  fc.integer({ min: 1, max: 6 }).chain((ads) =>
    fc.record({
      kinds: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: places, maxLength: places }),
      dynamic: fc.boolean(),
      pods: fc.array(fc.integer({ min: 0, max: 1 }), { minLength: places, maxLength: places }),
      ads: fc.array(
        fc.record({
          line: fc.integer({ min: 0, max: 3 }),
          durationMs: fc.constantFrom(10, 15, 20, 30),
          mark: fc.integer({ min: 0, max: 5 }),
        }),
        { minLength: ads, maxLength: ads },
      ),
      values: fc.array(
        fc.record({
          tier: fc.constantFrom(0, 1, 1, 1, 2),
          nanos: fc.integer({ min: 1, max: 9 }),
          priceNanos: fc.integer({ min: 1, max: 5 }),
        }),
        { minLength: ads * 3, maxLength: ads * 3 },
      ),
      missing: fc.array(fc.nat(ads * 3), { maxLength: 4 }),
      podMs: fc.constantFrom(30, 45, 60, 90),
      campaigns: fc.array(
        fc.record({ freeNanos: fc.constantFrom(3, 6, 99), adsMax: fc.constantFrom(1, 2, Infinity) }),
        { minLength: 4, maxLength: 4 },
      ),
      pairs: fc.array(
        fc.record({
          one: fc.nat(ads - 1),
          other: fc.nat(ads - 1),
          reach: fc.constantFrom(1, 2, Infinity, Infinity),
          everywhere: fc.boolean(),
        }),
        { maxLength: 5 },
      ),
    }),
  ),
);

function problemOf(spec: Spec): SlateProblem {
  const kinds = [...spec.kinds].sort((a, b) => a - b);
  const pods = spec.dynamic ? kinds.map(() => 0) : [...spec.pods].sort((a, b) => a - b);
  // The places of a kind share its options and its pod; of a dynamic pod they share the time too.
  const podOf = (kind: number): number => pods[kinds.indexOf(kind)] ?? 0;
  const optionsOf = (kind: number): SlateOption[] =>
    spec.ads
      .flatMap((_, ad) => {
        const at = ad * 3 + kind;
        const value = spec.values[at];
        return value === undefined || spec.missing.includes(at) ? [] : [{ ad, ...value }];
      })
      .sort((one, other) => one.tier - other.tier || other.nanos - one.nanos);
  const reaches = new Map<string, { reach: number; everywhere: boolean }>();
  for (const { one, other, reach, everywhere } of spec.pairs) {
    reaches.set(pairKey(one, other), { reach, everywhere });
    reaches.set(pairKey(other, one), { reach, everywhere });
  }
  return {
    places: kinds.map((kind, at) => ({
      imp: spec.dynamic ? 0 : at,
      pod: podOf(kind),
      kind,
      options: optionsOf(kind),
    })),
    ads: spec.ads.map(({ line, durationMs, mark }, ad) => ({
      line,
      campaign: line,
      durationMs,
      marks: [`creative ${ad}`, `media ${mark}`],
    })),
    impDurationsMs: spec.dynamic ? [spec.podMs] : kinds.map(() => Infinity),
    campaigns: spec.campaigns,
    keepsOut: (earlier, later, samePod) => {
      const found = reaches.get(pairKey(earlier, later));
      return found === undefined || (!samePod && !found.everywhere) ? 0 : found.reach;
    },
    excluded: new Set(),
    nodesMax: 1_000_000,
  };
}

/** The rules said once more, of a whole slate. */
function isAllowed(problem: SlateProblem, picks: readonly (SlateOption | null)[]): boolean {
  const placed = picks.flatMap((pick, at) => {
    const place = problem.places[at];
    const ad = pick === null ? undefined : problem.ads[pick.ad];
    return pick === null || place === undefined || ad === undefined ? [] : [{ pick, place, ad }];
  });
  const marks = placed.flatMap(({ ad }) => ad.marks);
  if (new Set(marks).size !== marks.length) return false;
  for (const [imp, durationMs] of problem.impDurationsMs.entries()) {
    const sum = placed.filter(({ place }) => place.imp === imp).reduce((total, { ad }) => total + ad.durationMs, 0);
    if (sum > durationMs) return false;
  }
  for (const [campaign, { freeNanos, adsMax }] of problem.campaigns.entries()) {
    const own = placed.filter(({ ad }) => ad.campaign === campaign);
    if (own.length > adsMax || own.reduce((sum, { pick }) => sum + pick.priceNanos, 0) > freeNanos) return false;
  }
  return placed.every((later, at) =>
    placed
      .slice(0, at)
      .every(
        (earlier, before) =>
          problem.keepsOut(earlier.pick.ad, later.pick.ad, earlier.place.pod === later.place.pod) < at - before,
      ),
  );
}

function worthOf(picks: readonly (SlateOption | null)[]): number[] {
  const worth = new Array<number>(TIERS).fill(0);
  for (const pick of picks) if (pick !== null) worth[pick.tier] = (worth[pick.tier] ?? 0) + pick.nanos;
  return worth;
}

/** Every way to fill the places, the rules looked at when all is placed. */
function bruteForce(problem: SlateProblem): number[] {
  let best = new Array<number>(TIERS).fill(0);
  const picks: (SlateOption | null)[] = [];
  const visit = (at: number): void => {
    const place = problem.places[at];
    if (place === undefined) {
      const worth = worthOf(picks);
      if (compareWorth(worth, best) > 0 && isAllowed(problem, picks)) best = worth;
      return;
    }
    for (const option of [null, ...place.options]) {
      if (option !== null && picks.slice(0, at).some((pick) => pick?.ad === option.ad)) continue;
      picks[at] = option;
      visit(at + 1);
    }
    picks[at] = null;
  };
  visit(0);
  return best;
}

test("S1, S2, S3: of up to six places the slate is the best that the rules allow, as brute force finds it", () => {
  let filled = 0;
  let bound = 0;
  fc.assert(
    fc.property(specOf, (spec) => {
      const problem = problemOf(spec);
      const slate = compose(problem);
      expect(slate.exact).toBe(true);
      expect(isAllowed(problem, slate.picks)).toBe(true);
      expect(slate.worth).toEqual(worthOf(slate.picks));
      expect(slate.worth).toEqual(bruteForce(problem));
      const count = slate.picks.filter((pick) => pick !== null).length;
      if (count > 1) filled += 1;
      if (count < Math.min(slate.picks.length, spec.ads.length)) bound += 1;
    }),
    { numRuns: 2_000 },
  );
  // Slates of one ad, or rules that never bind, would prove little.
  expect(filled).toBeGreaterThan(600);
  expect(bound).toBeGreaterThan(400);
});

test("a search that is cut short gives the best it has found, and says so", () => {
  fc.assert(
    fc.property(specOf, fc.integer({ min: 1, max: 12 }), (spec, nodesMax) => {
      const whole = problemOf(spec);
      const slate = compose({ ...whole, nodesMax });
      expect(isAllowed(whole, slate.picks)).toBe(true);
      expect(slate.worth).toEqual(worthOf(slate.picks));
      expect(slate.nodes).toBeLessThanOrEqual(nodesMax);
      if (slate.exact) expect(slate.worth).toEqual(compose(whole).worth);
    }),
    { numRuns: 1_000 },
  );
});

test("only slates of at least the worth asked for are found", () => {
  fc.assert(
    fc.property(specOf, fc.integer({ min: -2, max: 2 }), (spec, more) => {
      const problem = problemOf(spec);
      const { worth } = compose(problem);
      const atLeast = worth.map((nanos, tier) => (tier === 1 ? nanos + more : nanos));
      const found = compose({ ...problem, atLeast });
      if (more <= 0) expect(found.worth).toEqual(worth);
      else expect(found.picks.every((pick) => pick === null)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test("among slates of one worth the best ad comes first, and no place is empty before a filled one of its kind", () => {
  fc.assert(
    fc.property(specOf, (spec) => {
      const problem = problemOf({ ...spec, dynamic: true, kinds: spec.kinds.map(() => 0), pairs: [] });
      const { picks } = compose(problem);
      const filled = picks.filter((pick) => pick !== null);
      expect(picks.slice(0, filled.length)).toEqual(filled);
      for (let at = 1; at < filled.length; at++) {
        const [before, after] = [filled[at - 1], filled[at]];
        expect(
          (before?.tier ?? 0) < (after?.tier ?? 0) ||
            (before?.tier === after?.tier && (before?.nanos ?? 0) >= (after?.nanos ?? 0)),
        ).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});

test("A3: one ad of a higher tier is worth more than any number of a lower one", () => {
  const ad = (line: number, durationMs: number) => ({ line, campaign: line, durationMs, marks: [`c${line}`] });
  const option = (index: number, tier: number, nanos: number) => ({ ad: index, tier, nanos, priceNanos: 0 });
  const options = [option(0, 1, 1), option(1, 2, 900), option(2, 2, 900)];
  const place = { imp: 0, pod: 0, kind: 0, options };
  const { picks } = compose({
    places: [place, place],
    ads: [ad(0, 30), ad(1, 15), ad(2, 15)],
    impDurationsMs: [30],
    campaigns: [0, 1, 2].map(() => ({ freeNanos: 1, adsMax: 1 })),
    keepsOut: () => 0,
    excluded: new Set(),
    nodesMax: 100,
  });
  expect(picks).toEqual([options[0], null]);
});

test("a pod of six with sixty-four ads is composed within two thousand steps", () => {
  const ads = Array.from({ length: 64 }, (_, line) => ({
    line,
    campaign: line,
    durationMs: [15_000, 20_000, 30_000][line % 3] ?? 0,
    marks: [`c${line}`],
  }));
  const options = ads
    .map((_, ad) => ({ ad, tier: 2, nanos: 10_000_000 - ad * 90_001, priceNanos: 1 }))
    .sort((one, other) => other.nanos - one.nanos);
  const slate = compose({
    places: Array.from({ length: 6 }, () => ({ imp: 0, pod: 0, kind: 0, options })),
    ads,
    impDurationsMs: [120_000],
    campaigns: ads.map(() => ({ freeNanos: 1, adsMax: 1 })),
    keepsOut: (one, other) => (one % 20 === other % 20 ? Infinity : 0),
    excluded: new Set(),
    nodesMax: 5_000,
  });
  expect(slate.exact).toBe(true);
  expect(slate.nodes).toBeLessThan(2_000);
});
