import { build, type Histogram } from "hdr-histogram-js";

/** What happened to the ads of one campaign, as the listeners know it. */
export interface CampaignScore {
  impressions: number;
  completes: number;
  skips: number;
  /** Micros that the accepted impressions cost. */
  spentMicros: number;
}

const SLOWEST_MICROS = 60_000_000;

/** What the listeners counted themselves; the summary holds it against the node's own figures. */
export class Scoreboard {
  requests = 0;
  bids = 0;
  listening = 0;
  /** Answers or beacons that nobody should get. */
  readonly failures: string[] = [];
  readonly refusals = new Map<number, number>();
  readonly campaigns = new Map<string, CampaignScore>();
  /** The last decision of each outcome worth explaining, by what it shows. */
  readonly notable = new Map<string, string>();
  readonly #latency: Histogram = build({ lowestDiscernibleValue: 1, highestTrackableValue: SLOWEST_MICROS });

  answered(micros: number): void {
    this.requests++;
    this.#latency.recordValue(Math.min(SLOWEST_MICROS, Math.max(1, Math.round(micros))));
  }

  refused(nbr: number, decisionId: string): void {
    this.refusals.set(nbr, (this.refusals.get(nbr) ?? 0) + 1);
    // Nothing was decided where the node shed the request.
    if (decisionId !== "") this.notable.set(`nbr ${nbr}`, decisionId);
  }

  of(campaignId: string): CampaignScore {
    let score = this.campaigns.get(campaignId);
    if (score === undefined) {
      score = { impressions: 0, completes: 0, skips: 0, spentMicros: 0 };
      this.campaigns.set(campaignId, score);
    }
    return score;
  }

  failed(what: string): void {
    if (this.failures.length < 20) this.failures.push(what);
  }

  /** Milliseconds. */
  latencyMs(percentile: number): number {
    return this.#latency.getValueAtPercentile(percentile) / 1_000;
  }
}
