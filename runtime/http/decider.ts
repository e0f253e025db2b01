import type { KeyObject } from "node:crypto";
import { servingIdOf } from "../../protocols/decision-id.ts";
import { Fault, type FaultCode } from "../../protocols/errors.ts";
import { type Partition, partitionOf } from "../../protocols/ids.ts";
import { delivery } from "../../protocols/messages/delivery.ts";
import { type DecidedBid, type DecisionAnswer, listener } from "../../protocols/messages/listener.ts";
import type { BidRequest } from "../../protocols/openrtb/bid-request.ts";
import { type AudioImp, servable } from "../../protocols/openrtb/servable.ts";
import { pseudonymKey } from "../../protocols/pseudonym.ts";
import type { DurationMs, EpochMs } from "../../protocols/quantities.ts";
import type { Clock } from "../core/ports.ts";
import type { Admission } from "./admission.ts";
import { askActor, type Asker } from "./asker.ts";
import { decisionRequest } from "./decision-request.ts";
import type { PrivacyGate } from "./privacy-gate.ts";

/** A decision, or why none was made. */
export type Decided =
  | {
      readonly outcome: "bid";
      readonly decisionId: string;
      /** Where the decision was committed and its delivery lives (D16). */
      readonly partition: Partition;
      /** In the order in which they are heard. */
      readonly ads: readonly [DecidedAd, ...DecidedAd[]];
      readonly test: boolean;
      readonly atMs: EpochMs;
    }
  | { readonly outcome: "no-bid"; readonly decisionId: string | null; readonly nbr: number };

/** One ad of a decision, and the imp that it answers. */
export interface DecidedAd {
  readonly bid: DecidedBid;
  readonly imp: AudioImp;
}

export interface DecisionTimes {
  /** For requests without `tmax`. */
  readonly defaultMs: DurationMs;
  /** However much time the exchange gives. */
  readonly longestMs: DurationMs;
  /** Below it nobody is asked: nbr 15. */
  readonly shortestMs: DurationMs;
  /** Of `tmax`, what the way to us and back takes. */
  readonly networkMs: DurationMs;
}

export const DECISION_TIMES: DecisionTimes = { defaultMs: 200, longestMs: 1_000, shortestMs: 10, networkMs: 20 };

export interface DeciderParts {
  readonly asker: Asker;
  readonly gate: PrivacyGate;
  readonly clock: Clock;
  readonly admission: Admission;
  readonly pseudonymSecret: KeyObject;
  /** 128 random bits as 22 characters of base64url: a key for who is known by nothing but this request. */
  readonly randomKey: () => string;
  /** Our seat, as exchanges know it. */
  readonly seat: string | null;
  readonly times: DecisionTimes;
  readonly onError: (error: unknown) => void;
}

export const NBR_TECHNICAL = 1;
const NBR_NO_TIME = 15;
const NBR_NO_CAMPAIGN = 501;
const NBR_SHEDDING = 508;
/** A step of the composer takes some microseconds, so that a search ends well within its time. */
const SEARCH_STEPS_PER_MS = 100;
/** What passes by itself: the partition moves, or there is too much to do. The rest is a fault of ours. */
const PASSING: ReadonlySet<FaultCode> = new Set([
  "NOT_OWNER",
  "OVERLOADED",
  "ASK_EXPIRED",
  "MAILBOX_FULL",
  "MAIL_GAP",
  "STORE_CLOSED",
]);

/** From a bid request to its decision: gate, key, ask (D18, D5). Never rejects: what goes wrong is a no-bid. */
export class Decider {
  private readonly parts: DeciderParts;

  constructor(parts: DeciderParts) {
    this.parts = parts;
  }

  async decide(request: BidRequest, secGpc: boolean): Promise<Decided> {
    const fit = servable(request);
    if (!fit.ok) return noBid(fit.nbr);
    if (!fit.imps.some((imp) => this.mayAnswer(request, imp))) return noBid(NBR_NO_CAMPAIGN);
    const timeoutMs = this.timeoutMs(request.tmaxMs);
    if (timeoutMs < this.parts.times.shortestMs) return noBid(NBR_NO_TIME);
    return this.parts.admission.admit(() => this.ask(request, fit.imps, secGpc, timeoutMs), noBid(NBR_SHEDDING));
  }

  /** Frees the money and cap of an answer that reached nobody (D5). */
  withdraw(decided: Decided): void {
    if (decided.outcome !== "bid") return;
    for (const { bid } of decided.ads) this.withdrawBid(decided.decisionId, bid, decided.partition);
  }

  private async ask(
    request: BidRequest,
    imps: readonly [AudioImp, ...AudioImp[]],
    secGpc: boolean,
    timeoutMs: DurationMs,
  ): Promise<Decided> {
    const { asker, gate, clock, pseudonymSecret, onError } = this.parts;
    try {
      const atMs = clock.nowMs();
      const capabilities = gate.capabilities(request, secGpc);
      const once = this.parts.randomKey();
      const { source, value } = gate.identity(request, capabilities, once);
      const key = source === "request" ? once : pseudonymKey(pseudonymSecret, source, value);
      const question = decisionRequest(request, imps, {
        seat: this.parts.seat,
        receivedAtMs: atMs,
        capabilities,
        facts: gate.facts(request, imps[0].audio.feed, capabilities, atMs),
        source,
        traffic: gate.traffic(request),
        searchStepsMax: timeoutMs * SEARCH_STEPS_PER_MS,
        requestHash: pseudonymKey(pseudonymSecret, "bid-request", request.id),
      });
      const to = { key, partition: partitionOf(key, asker.partitions) };
      const answer = await askActor(asker, listener, to, "Decide", question, timeoutMs, (late) => {
        for (const bid of late.bids) this.withdrawBid(late.decisionId, bid, to.partition);
      });
      const [first, ...more] = adsOf(answer, imps);
      const { decisionId, nbr } = answer;
      if (first === undefined) return noBid(nbr ?? 0, decisionId);
      return { outcome: "bid", decisionId, partition: to.partition, ads: [first, ...more], test: request.test, atMs };
    } catch (error) {
      if (error instanceof Fault && PASSING.has(error.code)) return noBid(NBR_SHEDDING);
      onError(error);
      return noBid(NBR_TECHNICAL);
    }
  }

  private withdrawBid(decisionId: string, { slot }: DecidedBid, partition: Partition): void {
    const key = servingIdOf(decisionId, slot);
    this.parts.asker.tell({ kind: delivery.name, key, partition }, "Withdraw", {});
  }

  /** Deals may have seats of their own, which the shard knows; without any there is nobody to ask where our seat may not buy. */
  private mayAnswer({ allowedSeats, blockedSeats }: BidRequest, { deals, privateAuction }: AudioImp): boolean {
    if (deals.length > 0) return true;
    const { seat } = this.parts;
    if (privateAuction) return false;
    if (seat === null) return allowedSeats.length === 0;
    return !blockedSeats.includes(seat) && (allowedSeats.length === 0 || allowedSeats.includes(seat));
  }

  private timeoutMs(tmaxMs: number | undefined): DurationMs {
    const { defaultMs, longestMs, networkMs } = this.parts.times;
    return tmaxMs === undefined ? defaultMs : Math.min(Math.floor(tmaxMs) - networkMs, longestMs);
  }
}

function adsOf({ bids }: DecisionAnswer, imps: readonly AudioImp[]): readonly DecidedAd[] {
  return bids.map((bid) => {
    const imp = imps.find(({ id }) => id === bid.impId);
    if (imp === undefined) throw new Error(`the listener answered imp ${bid.impId}, which was not asked for`);
    return { bid, imp };
  });
}

function noBid(nbr: number, decisionId: string | null = null): Decided {
  return { outcome: "no-bid", decisionId, nbr };
}
