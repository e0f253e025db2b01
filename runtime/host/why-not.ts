import { dayStartMs, localDate } from "../../actors/calendar/zone.ts";
import { instantText } from "../../protocols/campaign/instant.ts";
import { Fault } from "../../protocols/errors.ts";
import type { JobResult } from "../../protocols/job.ts";
import { CATALOG_KEY, catalog } from "../../protocols/messages/catalog.ts";
import type { EpochMs } from "../../protocols/quantities.ts";
import { whyNotJob, type WhyNotView } from "../../protocols/why-not.ts";
import type { JobsPool } from "./jobs-pool.ts";
import type { PortAsker } from "./port-asker.ts";

export interface WhyNotOptions {
  readonly jobs: Pick<JobsPool, "run">;
  readonly asker: Pick<PortAsker, "ask">;
  /** What decisions' times are ahead of the system's clock (`clock.offsetMs`). */
  readonly clockOffsetMs: number;
}

export interface WhyNotTimes {
  /** Default: when yesterday began in the campaign's zone. */
  readonly sinceMs?: EpochMs | undefined;
  /** Default: now. */
  readonly untilMs?: EpochMs | undefined;
}

const ASK_TIMEOUT_MS = 2_000;
const READ_MS = 8_000;
/** Below what the command line waits for an answer. */
const JOB_TIMEOUT_MS = 12_000;
const DAY_MS = 86_400_000;

/** Says why a campaign was not served, by day and reason, out of the decision log: "why did it not deliver yesterday". */
export class WhyNot {
  readonly #options: WhyNotOptions;

  constructor(options: WhyNotOptions) {
    this.#options = options;
  }

  /**
   * @returns null when there is no such campaign.
   * @throws Fault OVERLOADED when too many jobs wait, ASK_EXPIRED when this one takes too long, NATS_UNAVAILABLE when it fails.
   */
  async of(campaignId: string, times: WhyNotTimes): Promise<WhyNotView | null> {
    const { asker, jobs, clockOffsetMs } = this.#options;
    const to = { kind: catalog.name, key: CATALOG_KEY };
    const entry = await asker.ask(to, "Get", { collection: "campaigns", id: campaignId }, ASK_TIMEOUT_MS);
    if (entry === null) return null;
    const { timezone } = (entry as { readonly document: { readonly timezone: string } }).document;
    const untilMs = times.untilMs ?? Date.now() + clockOffsetMs;
    const sinceMs = times.sinceMs ?? dayStartMs(timezone, localDate(timezone, untilMs - DAY_MS));
    const input = { campaignId, timezone, sinceMs, untilMs, readMs: READ_MS };
    const result = await jobs.run(whyNotJob, input, { timeoutMs: JOB_TIMEOUT_MS, owner: `campaign/${campaignId}` });
    if (result.outcome === "failed") throw faultOf(result);
    const { days, readBackToMs } = result.output;
    const complete = readBackToMs === sinceMs;
    return { campaignId, timezone, since: instantText(readBackToMs), until: instantText(untilMs), complete, days };
  }
}

function faultOf({ reason, message }: Extract<JobResult, { outcome: "failed" }>): Fault {
  const text = `the job why-not ended as ${reason}: ${message}`;
  if (reason === "refused") return new Fault("OVERLOADED", text);
  return new Fault(reason === "timeout" ? "ASK_EXPIRED" : "NATS_UNAVAILABLE", text);
}
