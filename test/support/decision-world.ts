import fc from "fast-check";
import { type CatalogDocument, compileIndex } from "../../actors/decision/compile-index.ts";
import { UPLIFT_MAX } from "../../actors/decision/contender.ts";
import type { Decision, Roles } from "../../actors/decision/decision.ts";
import { decide } from "../../actors/decision/kernel.ts";
import { TIERS } from "../../protocols/campaign/campaign.ts";
import { fnv1a32, mix32 } from "../../protocols/hash.ts";
import type { AudioSlot, DecisionRequest } from "../../protocols/messages/listener.ts";
import { type LineSpec, NOON_MS, request, rolesOf } from "./campaigns.ts";

/*
 * Random catalogs, requests and opinions of the scoring roles, and the rules said once more the slow way, for properties of the kernel.
 */

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

export const linesOf = fc
  .integer({ min: 1, max: 40 })
  .chain((count) => fc.tuple(...Array.from({ length: count }, (_, at) => lineSpec(`c${at}`))));

/** The one slot of a request. */
export function slotOf({ slots: [slot] }: DecisionRequest): AudioSlot {
  if (slot === undefined) throw new Error("a request without slots");
  return slot;
}

export const requestOf: fc.Arbitrary<DecisionRequest> = fc
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
      slots: [{ ...slotOf(base), ...defined(slot) }],
    };
  });

/** What the scoring roles say: a price of the listener's time, and for each ad set whether it takes part and what its creatives are worth. */
export interface OpinionSpec {
  readonly salt: number;
  readonly nanosPerSecond: number;
  /** Chances to take part; each ad set has one of them. */
  readonly chances: readonly number[];
}

export const opinionsOf = (chances: readonly number[]): fc.Arbitrary<OpinionSpec> =>
  fc.record({
    salt: fc.nat(),
    nanosPerSecond: fc.constantFrom(0, 0, 30_000, 100_000, 250_000),
    chances: fc.constant(chances),
  });

const drawn = ({ salt }: OpinionSpec, about: string): number => mix32(fnv1a32(`${salt}/${about}`)) / 2 ** 32;

/** From -0.5 to 0.5 of the bid, of which the kernel lets a quarter through. */
const wishedShare = (opinions: OpinionSpec, creativeId: string): number => drawn(opinions, creativeId) - 0.5;

export const chanceOf = (opinions: OpinionSpec, adSetId: string): number =>
  opinions.chances[Math.floor(drawn(opinions, `chance/${adSetId}`) * opinions.chances.length)] ?? 1;

/** The agents of the safety roles, and these opinions. */
export function opinionated(opinions: OpinionSpec, base: Roles = rolesOf()): Roles {
  const { nanosPerSecond } = opinions;
  return {
    ...base,
    reward: (question) => ({ ...base.reward(question), answer: { nanosPerSecond, why: "test" } }),
    throttle: (question) => ({
      ...base.throttle(question),
      answer: { chances: question.proposals.map(({ adSet }) => chanceOf(opinions, adSet.id)) },
    }),
    personalisation(question) {
      const expectations = question.proposals.map(({ adSet, creatives }) =>
        creatives.map(({ id }) => {
          const nanos = adSet.bidCpmMicros * wishedShare(opinions, id);
          return { pComplete: 0.5, pClick: 0.01, nanos, why: "test" };
        }),
      );
      return { ...base.personalisation(question), answer: { expectations } };
    },
  };
}

/** What the best creative of a line is worth by these opinions, said once more. */
export function worthOf(spec: LineSpec, { nanosPerSecond, ...opinions }: OpinionSpec): number {
  const bid = bidOf(spec);
  const cost = Math.ceil((nanosPerSecond * (spec.creative?.durationMs ?? 0)) / 1000);
  const ids = (spec.adSet?.creatives ?? []).map(({ id }) => id);
  const uplifts = ids.map((id) => {
    const share = wishedShare({ nanosPerSecond, ...opinions }, id);
    return Math.trunc(bid * Math.max(-UPLIFT_MAX, Math.min(UPLIFT_MAX, share)));
  });
  return bid + Math.max(...uplifts) - cost;
}

export function decided(
  documents: readonly CatalogDocument[],
  asked: DecisionRequest,
  seed: string,
  roles: Roles = rolesOf(),
  upliftMax = UPLIFT_MAX,
): Decision {
  const moment = { nowMs: NOON_MS, sessionStartedMs: NOON_MS, recent: 1, upliftMax };
  const inputs = { ...moment, request: asked, refusedCampaigns: [] };
  return decide(inputs, { catalog: compileIndex(documents, 1) }, roles, seed);
}

/** The rules of V1 said once more, from the documents, the slow way. */
export function mayServe(spec: LineSpec, asked: DecisionRequest): boolean {
  const { campaign = {}, adSet = {}, creative = {} } = spec;
  const { context } = asked;
  const slot = slotOf(asked);
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

export const tierOf = (spec: LineSpec | undefined): number => TIERS.indexOf(spec?.campaign?.tier ?? "standard");
export const bidOf = (spec: LineSpec | undefined): number => spec?.adSet?.bidCpmMicros ?? 0;
