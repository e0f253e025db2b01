import type { DurationMs } from "../../protocols/quantities.ts";
import type { TrackedEvent } from "../../protocols/tracked-event.ts";
import type { SeenEvent } from "./state.ts";

/** Playback in its order: a later one implies the earlier ones, whose beacons may be lost or late (N2). */
const PROGRESS: readonly TrackedEvent[] = ["start", "firstQuartile", "midpoint", "thirdQuartile", "complete"];

/** What an event adds to what is counted: itself and, for progress, what it implies; nothing that counted before. */
export function newlyCounted(counted: readonly TrackedEvent[], event: TrackedEvent): readonly TrackedEvent[] {
  const place = PROGRESS.indexOf(event);
  const implied = place < 0 ? [event] : PROGRESS.slice(0, place + 1);
  return implied.filter((one) => !counted.includes(one));
}

/** Played faster than sound: complete before nine tenths of the ad can have passed since its start (N2). */
export function isTooFast(seen: readonly SeenEvent[], durationMs: DurationMs): boolean {
  const start = seen.find((one) => one.event === "start");
  const complete = seen.find((one) => one.event === "complete");
  return start !== undefined && complete !== undefined && complete.atMs - start.atMs < 0.9 * durationMs;
}
