import type { AdminClient } from "./client-admin.ts";
import type { Client, ReceivedBid } from "./client.ts";
import { eventually } from "./daemon-probe.ts";

const PROGRESS = ["start", "firstQuartile", "midpoint", "thirdQuartile", "complete"];
const ANSWERED_MS = 10_000;

/** The figures of a campaign that follow from a client's history alone. */
export interface Figures {
  readonly impressions: number;
  readonly starts: number;
  readonly completes: number;
  readonly spentMicros: number;
}

/** Impression and billing notice are two triggers of one billing (decisioning.md 1). */
export function isBilled({ sent }: ReceivedBid): boolean {
  return sent.get("impression") === "acknowledged" || sent.get("bill") === "acknowledged";
}

/** What the daemon must say of a campaign. */
export function expectedFigures(client: Client, campaignId: string): Figures {
  const played = client.bidsOf(campaignId, isBilled);
  const nanos = played.reduce((sum, bid) => sum + bid.priceNanos, 0);
  return {
    impressions: played.length,
    starts: played.filter((bid) => hasReached(bid, "start")).length,
    completes: played.filter((bid) => hasReached(bid, "complete")).length,
    spentMicros: halfEven(nanos / 1_000),
  };
}

/** What the daemon says of campaigns. */
export async function figuresOf(admin: AdminClient, campaignIds: readonly string[]): Promise<Record<string, Figures>> {
  const all = campaignIds.map(async (id): Promise<[string, Figures]> => {
    const { impressions, starts, completes, spentMicros } = await admin.delivery(id);
    return [id, { impressions, starts, completes, spentMicros }];
  });
  return Object.fromEntries(await Promise.all(all));
}

/** Repeats every beacon that is not known to have arrived, until all have been answered. @returns how many it sent. */
export async function resolveUnknown(client: Client): Promise<number> {
  let sent = 0;
  const isOpen = ({ sent: events }: ReceivedBid): boolean => [...events.values()].includes("unknown");
  const repeat = async (): Promise<number> => {
    for (const received of client.received.filter(isOpen)) {
      for (const [event, known] of received.sent) {
        if (known !== "unknown") continue;
        sent += 1;
        await client.fire(received, event);
      }
    }
    return client.received.filter(isOpen).length;
  };
  await eventually("beacons without an answer are repeated", repeat, 0, ANSWERED_MS);
  return sent;
}

/** Later progress implies the earlier (decisioning.md N2). */
function hasReached({ sent }: ReceivedBid, event: string): boolean {
  return PROGRESS.slice(PROGRESS.indexOf(event)).some((one) => sent.get(one) === "acknowledged");
}

function halfEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
