/** The campaigns that a load runs against: all can pay for the whole run, so that what is measured is deciding, not refusing. */
export interface CampaignSet {
  readonly campaigns: number;
  /** Ads a listener may hear of each campaign in a day; 0: no cap. */
  readonly capPerDay: number;
}

/** Below the safe integers in nanos, above what any run spends. */
const DAILY_MICROS = 1_000_000_000_000;
/** Separation keeps an advertiser from following itself, so there must be others. */
const ADVERTISERS = 25;
const COUNTRIES = ["USA", "CAN", "MEX", "BRA", "AUS"];
const GENRES = ["rock", "pop", "jazz", "classical", "news", "hip-hop", "country"];
const DURATIONS_MS = [10_000, 15_000, 20_000, 30_000];
const BID_CPM_MICROS_MIN = 2_000_000;
const BID_CPM_MICROS_STEP = 17_000;
const BID_STEPS = 997;
/** One document of `POST /v1/apply` stays well below its bound. */
const CAMPAIGNS_A_DOCUMENT = 250;

/** Campaign documents (interfaces.md 4), to be applied in turn. Every fourth campaign takes anybody; the others are targeted. */
export function campaignDocuments({ campaigns, capPerDay }: CampaignSet): readonly object[] {
  const numbers = Array.from({ length: campaigns }, (_, index) => index);
  const documents: object[] = [];
  for (let from = 0; from < campaigns; from += CAMPAIGNS_A_DOCUMENT) {
    const slice = numbers.slice(from, from + CAMPAIGNS_A_DOCUMENT);
    documents.push({
      advertisers: Array.from({ length: ADVERTISERS }, (_, index) => advertiser(index)),
      campaigns: slice.map((index) => campaign(index, capPerDay)),
      adSets: slice.map(adSet),
      creatives: slice.map(creative),
    });
  }
  return documents;
}

function advertiser(index: number): object {
  return {
    id: `adv-${index}`,
    name: `Advertiser ${index}`,
    domain: `advertiser-${index}.example`,
    categories: ["IAB9"],
  };
}

function campaign(index: number, capPerDay: number): object {
  return {
    id: `campaign-${index}`,
    advertiserId: advertiserOf(index),
    name: `Campaign ${index}`,
    status: "active",
    currency: "USD",
    timezone: "Etc/UTC",
    budget: { dailyMicros: DAILY_MICROS },
    pacing: "asap",
    tier: "standard",
    priority: 8,
    frequencyCaps: capPerDay === 0 ? [] : [{ limit: capPerDay, window: "1d", kind: "rolling" }],
  };
}

function adSet(index: number): object {
  const country = { countries: [COUNTRIES[index % COUNTRIES.length]] };
  const genre = { genres: [GENRES[index % GENRES.length], GENRES[(index + 3) % GENRES.length]] };
  const targeting = [{}, country, genre, { ...country, ...genre }][index % 4];
  return {
    id: `ad-set-${index}`,
    campaignId: `campaign-${index}`,
    // Spread without order: the neighbours in bid are of other advertisers and targeted otherwise.
    bidCpmMicros: BID_CPM_MICROS_MIN + ((index * 389) % BID_STEPS) * BID_CPM_MICROS_STEP,
    rotation: "even",
    targeting,
    creatives: [{ id: `creative-${index}` }],
  };
}

function creative(index: number): object {
  return {
    id: `creative-${index}`,
    advertiserId: advertiserOf(index),
    durationMs: DURATIONS_MS[index % DURATIONS_MS.length],
    adId: `BEN-${index}`,
    clickUrl: `https://advertiser-${index % ADVERTISERS}.example/landing`,
    mediaFiles: [{ url: `https://cdn.example/audio/${index}.mp3`, mimeType: "audio/mpeg", bitrateKbps: 128 }],
    categories: ["IAB9"],
    languages: [],
  };
}

function advertiserOf(index: number): string {
  return `adv-${index % ADVERTISERS}`;
}
