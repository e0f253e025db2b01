import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { setTimeout as wait } from "node:timers/promises";
import { fnv1a32, mix32 } from "../../protocols/hash.ts";
import { type HeardAd, takenBid } from "./heard-ad.ts";
import type { Scoreboard } from "./scoreboard.ts";

const GENRES = ["Rock", "Pop", "Jazz", "Metal", "News", "Hip-Hop"] as const;
/** OpenRTB `devicetype`: phone, PC, connected device (a speaker). */
const DEVICES = [
  { type: 4, os: "Android", ua: "Tune/7.3 (Android 15; Pixel 9)" },
  { type: 2, os: "Windows", ua: "Tune/7.3 (Windows 11)" },
  { type: 6, os: "Linux", ua: "Tune/7.3 (SmartSpeaker)" },
] as const;
const TRACK_MS = 210_000;
const QUARTILES = ["firstQuartile", "midpoint", "thirdQuartile"] as const;
/** Chances: that an ad is skipped when nothing was heard lately, how much each ad heard adds, and that a session ends after a break. */
const SKIP_CHANCE = 0.04;
const SKIP_CHANCE_AN_AD = 0.04;
const LEAVE_CHANCE = 0.05;
/** After leaving, in units of a track. */
const PAUSE_TRACKS = 3;

export interface ListenerOptions {
  readonly url: string;
  readonly seed: number;
  readonly number: number;
  /** How many times faster than life: tracks and ads last this much shorter. */
  readonly speed: number;
  readonly score: Scoreboard;
  /** Ends the listener's day. */
  readonly signal: AbortSignal;
}

/** One person with one device: hears tracks, gets a break after each, plays what comes and reports it as a player does. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #random: () => number;
  readonly #request: string;
  #adsHeard = 0;

  constructor(options: ListenerOptions, template: unknown) {
    this.#options = options;
    const generator = xoroshiro128plus(mix32(fnv1a32(`listener ${options.number}`, options.seed)));
    this.#random = () => uniformFloat64(generator);
    this.#request = JSON.stringify(requestOf(template, options, this.#random));
  }

  /** Listens until the signal comes; never throws: what goes wrong is on the scoreboard. */
  async listen(): Promise<void> {
    const { signal, score } = this.#options;
    try {
      await this.#pause(this.#random() * TRACK_MS);
      while (!signal.aborted) {
        score.listening++;
        try {
          while (!signal.aborted && this.#random() >= LEAVE_CHANCE) {
            await this.#pause(TRACK_MS * (0.6 + 0.8 * this.#random()));
            await this.#break();
          }
        } finally {
          score.listening--;
        }
        this.#adsHeard = 0;
        await this.#pause(TRACK_MS * PAUSE_TRACKS * this.#random());
      }
    } catch (error) {
      if (!signal.aborted) score.failed(error instanceof Error ? error.message : String(error));
    }
  }

  async #break(): Promise<void> {
    const { url, score } = this.#options;
    const startMs = performance.now();
    const response = await fetch(`${url}/openrtb2/2.6/bid`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-openrtb-version": "2.6" },
      body: this.#request,
    });
    const body = await response.text();
    score.answered((performance.now() - startMs) * 1_000);
    const decisionId = response.headers.get("x-chorus-decision") ?? "";
    if (response.status === 204) return score.refused(Number(response.headers.get("x-chorus-nbr")), decisionId);
    if (response.status !== 200) return score.failed(`a bid was answered ${response.status}`);
    score.bids++;
    const { ad, priceMicros } = takenBid(body);
    score.notable.set(`bid of ${ad.campaignId}`, decisionId);
    await this.#play(ad, priceMicros);
  }

  async #play(ad: HeardAd, priceMicros: number): Promise<void> {
    const { score } = this.#options;
    if (!(await this.#report(ad.impressionUrl))) return;
    const campaign = score.of(ad.campaignId);
    campaign.impressions++;
    campaign.spentMicros += priceMicros;
    await this.#reportEvent(ad, "start");
    const skips = this.#random() < SKIP_CHANCE + SKIP_CHANCE_AN_AD * this.#adsHeard;
    this.#adsHeard++;
    for (const quartile of QUARTILES) {
      await this.#pause(ad.durationMs / 4);
      if (skips && quartile === "midpoint") {
        if (await this.#reportEvent(ad, "skip")) campaign.skips++;
        return;
      }
      await this.#reportEvent(ad, quartile);
    }
    await this.#pause(ad.durationMs / 4);
    if (await this.#reportEvent(ad, "complete")) campaign.completes++;
  }

  async #reportEvent(ad: HeardAd, event: string): Promise<boolean> {
    const url = ad.trackingUrls.get(event);
    return url === undefined ? false : this.#report(url);
  }

  /** @returns whether the node has it for good. */
  async #report(url: string): Promise<boolean> {
    const response = await fetch(url);
    await response.arrayBuffer();
    if (!response.ok) this.#options.score.failed(`a beacon was answered ${response.status}`);
    return response.ok;
  }

  /** @param ms of the listener's time. Ends early, by throwing, when the day ends between two things. */
  async #pause(ms: number): Promise<void> {
    await wait(ms / this.#options.speed, undefined, { signal: this.#options.signal });
  }
}

function requestOf(template: unknown, { number }: ListenerOptions, random: () => number): unknown {
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const { app, device, imp, ...rest } = template as {
    readonly imp: readonly object[];
    readonly app: { readonly content: object };
    readonly device: { readonly geo: object };
  };
  const { type, os, ua } = pick(DEVICES);
  return {
    ...rest,
    id: `demo-${number}`,
    imp: imp.map((each) => ({ ...each, bidfloor: 0 })),
    app: { ...app, content: { ...app.content, genre: pick(GENRES) } },
    device: { ...device, devicetype: type, os, ua },
    user: { id: `demo-listener-${number}` },
    ext: { sid: `demo-session-${number}` },
  };
}
