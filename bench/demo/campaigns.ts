/** One campaign of the demo, in the terms that its spectators see. */
interface Line {
  readonly id: string;
  readonly name: string;
  readonly category: string;
  readonly tier: "sponsorship" | "guaranteed" | "standard" | "promo" | "house";
  readonly cpmMicros: number;
  /** Absent: all it wants. */
  readonly dailyMicros?: number;
  readonly cap?: { readonly limit: number; readonly window: string };
  readonly targeting?: Readonly<Record<string, unknown>>;
  readonly durationsMs: readonly number[];
}

/** Chosen so that in a minute each rule is seen at work: a budget that runs dry, caps that bite, separation, paid time, house ads. */
const LINES: readonly Line[] = [
  {
    id: "corner-shop",
    name: "Corner shop: a small budget that runs dry",
    category: "IAB18",
    tier: "standard",
    cpmMicros: 24_000_000,
    dailyMicros: 1_200_000,
    durationsMs: [20_000],
  },
  {
    id: "grand-opening",
    name: "Grand opening: sponsorship, once a listener a day",
    category: "IAB8",
    tier: "sponsorship",
    cpmMicros: 20_000_000,
    dailyMicros: 50_000_000,
    cap: { limit: 1, window: "1d" },
    durationsMs: [30_000],
  },
  {
    id: "new-shoes",
    name: "New shoes: mobile listeners, 30 s or 15 s",
    category: "IAB17",
    tier: "standard",
    cpmMicros: 16_000_000,
    dailyMicros: 100_000_000,
    cap: { limit: 2, window: "1d" },
    targeting: { platforms: ["mobile"] },
    durationsMs: [30_000, 15_000],
  },
  {
    id: "rock-festival",
    name: "Rock festival: rock and metal only",
    category: "IAB1-6",
    tier: "standard",
    cpmMicros: 14_000_000,
    dailyMicros: 100_000_000,
    targeting: { genres: ["rock", "metal"] },
    durationsMs: [30_000],
  },
  {
    id: "language-app",
    name: "Language app: everybody, asap",
    category: "IAB5",
    tier: "standard",
    cpmMicros: 6_000_000,
    dailyMicros: 100_000_000,
    durationsMs: [30_000, 15_000],
  },
  {
    id: "loose-change",
    name: "Loose change: bids less than a tired listener's time costs",
    category: "IAB13",
    tier: "promo",
    cpmMicros: 200_000,
    dailyMicros: 100_000_000,
    durationsMs: [30_000],
  },
];

const STARTS_AT = "2026-01-01T00:00:00Z";
const ENDS_AT = "2036-01-01T00:00:00Z";

/** The campaigns of the demo as `POST /v1/apply` takes them. */
export function demoDocument(): Readonly<Record<string, readonly object[]>> {
  return {
    advertisers: LINES.map(({ id, name, category }) => ({
      id: `adv-${id}`,
      name: name.split(":")[0],
      domain: `${id}.example`,
      categories: [category],
    })),
    campaigns: LINES.map(({ id, name, tier, dailyMicros, cap }) => ({
      id,
      advertiserId: `adv-${id}`,
      name,
      status: "active",
      currency: "USD",
      timezone: "UTC",
      startsAt: STARTS_AT,
      endsAt: ENDS_AT,
      tier,
      pacing: "asap",
      ...(dailyMicros === undefined ? {} : { budget: { dailyMicros } }),
      ...(cap === undefined ? {} : { frequencyCaps: [{ ...cap, kind: "rolling" }] }),
    })),
    adSets: LINES.map(({ id, cpmMicros, targeting, durationsMs }) => ({
      id: `${id}-all`,
      campaignId: id,
      bidCpmMicros: cpmMicros,
      rotation: "even",
      ...(targeting === undefined ? {} : { targeting }),
      creatives: durationsMs.map((durationMs) => ({ id: creativeId(id, durationMs) })),
    })),
    creatives: LINES.flatMap(({ id, category, durationsMs }) =>
      durationsMs.map((durationMs) => ({
        id: creativeId(id, durationMs),
        advertiserId: `adv-${id}`,
        durationMs,
        clickUrl: `https://${id}.example/`,
        mediaFiles: [
          { url: `https://cdn.example/${creativeId(id, durationMs)}.mp3`, mimeType: "audio/mpeg", bitrateKbps: 128 },
        ],
        categories: [category],
        languages: ["en"],
      })),
    ),
  };
}

export const CAMPAIGNS: readonly { readonly id: string; readonly name: string; readonly dailyMicros: number | null }[] =
  LINES.map(({ id, name, dailyMicros = null }) => ({ id, name, dailyMicros }));

const creativeId = (id: string, durationMs: number): string => `${id}-${durationMs / 1_000}`;
