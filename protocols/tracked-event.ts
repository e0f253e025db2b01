/** What a tracking URL or a server-side event reports (interfaces.md 2). The order is the wire format of tokens: append only. */
export const TRACKED_EVENTS = [
  "impression",
  "start",
  "firstQuartile",
  "midpoint",
  "thirdQuartile",
  "complete",
  "mute",
  "unmute",
  "pause",
  "resume",
  "skip",
  "click",
  "error",
  "win",
  "bill",
  "loss",
  "progress",
  "creativeView",
] as const;
export type TrackedEvent = (typeof TRACKED_EVENTS)[number];

/** Those that stand in VAST's `TrackingEvents` of a linear ad. */
export const LINEAR_EVENTS = [...TRACKED_EVENTS.slice(1, 11), "progress"] as readonly LinearEvent[];
export type LinearEvent = Exclude<
  TrackedEvent,
  "impression" | "click" | "error" | "win" | "bill" | "loss" | "creativeView"
>;
