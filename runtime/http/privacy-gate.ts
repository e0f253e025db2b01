import type { Capabilities, CoarseContext, TrafficFacts } from "../../protocols/messages/listener.ts";
import type { BidRequest } from "../../protocols/openrtb/bid-request.ts";
import type { EpochMs } from "../../protocols/quantities.ts";

/** What the gate allows, with how fine a place may be named. */
export interface GatedCapabilities extends Capabilities {
  readonly learn: boolean;
  readonly geo: "country" | "region";
}

/** The context a shard gets to know, undefined where the request does not say. */
export interface GatedFacts {
  readonly country: string | undefined;
  readonly region: string | undefined;
  readonly deviceType: number | undefined;
  readonly platform: CoarseContext["platform"] | undefined;
  readonly language: string | undefined;
  readonly feed: number | undefined;
  readonly genres: readonly string[];
  readonly hourOfWeek: number | undefined;
}

export interface GatedIdentity {
  readonly source: "user" | "ifa" | "eid" | "session" | "request";
  /** Raw: it goes into the pseudonym and nowhere else. */
  readonly value: string;
}

/** The consent gate's pure functions (D18), handed in by the host because an adapter may not import actors. */
export interface PrivacyGate {
  capabilities(request: BidRequest, secGpc: boolean): GatedCapabilities;
  facts(request: BidRequest, feed: number | undefined, capabilities: GatedCapabilities, nowMs: EpochMs): GatedFacts;
  /** Who calls, from user agent and address, which go no further. */
  traffic(request: BidRequest): TrafficFacts;
  /** Whether a beacon's user agent is one of a bot's; it goes no further. */
  isBot(userAgent: string | undefined): boolean;
  /** @param once names this request alone, for who is known by nothing else. */
  identity(request: BidRequest, capabilities: GatedCapabilities, once: string): GatedIdentity;
}
