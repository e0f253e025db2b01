/**
 * No-bid reasons, `nbr` of the response and of the header `x-chorus-nbr`. Below 500 as in OpenRTB's list; from 500 our own
 * block, published in decisioning.md 3.
 */
export const NO_BID_REASONS = {
  0: "unknown",
  1: "technical error",
  2: "invalid request",
  3: "known web crawler",
  4: "suspected non-human traffic",
  5: "cloud, data centre or proxy address",
  6: "unsupported device",
  7: "blocked publisher or site",
  8: "unmatched user",
  9: "daily user cap met",
  10: "daily domain cap met",
  11: "ads.txt unavailable",
  12: "ads.txt violation",
  13: "ads.cert unavailable",
  14: "ads.cert violation",
  15: "not enough time",
  16: "supply chain incomplete",
  17: "blocked supply chain node",
  501: "no eligible campaign",
  502: "budget",
  503: "pacing",
  504: "separation",
  505: "consent",
  506: "listener cost",
  507: "floor",
  508: "shedding load",
} as const;

export type NoBidReason = keyof typeof NO_BID_REASONS;
