import { conversionActor } from "../../actors/conversion/actor.ts";
import { deliveryActorBy } from "../../actors/delivery/actor.ts";
import { walletActor } from "../../actors/wallet/actor.ts";
import { reserve } from "../../actors/wallet/calls.ts";
import { decisionIdOf } from "../../protocols/decision-id.ts";
import { asPartition } from "../../protocols/ids.ts";
import { ATTRIBUTION, type AttributionRules } from "../../protocols/attribution.ts";
import type { DeliveryCounts } from "../../protocols/messages/budget.ts";
import type { ConversionAnswer, DeliveryOpening, EventStatus } from "../../protocols/messages/delivery.ts";
import type { TrackedEvent } from "../../protocols/tracked-event.ts";
import { activate, type ActorKit } from "./testkit.ts";

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
export const START_MS = 1_795_518_000_000;

export const decisionIdAt = (nowMs: number): string =>
  decisionIdOf({ nowMs, partition: asPartition(0), epoch: 1, commitSeq: 1, index: 0 });

/** Older than the bids, so that events may claim earlier times than now. */
const DECISION = decisionIdAt(START_MS - 30 * DAY_MS);
const DAY = "2026-11-24";
const PRICE_NANOS = 12_000_000;
const WALLET = { kind: "wallet", key: "w0" };

/** A bid with its wallet and its orders in the one partition of a small cluster: everything an event can reach. */
export class FeedbackWorld {
  readonly kit: ActorKit;
  readonly opening: DeliveryOpening;

  constructor(changed: Partial<DeliveryOpening> = {}, rules: AttributionRules = ATTRIBUTION) {
    const others = [walletActor, conversionActor(rules)];
    this.kit = activate(deliveryActorBy(rules), {
      key: changed.decisionId ?? DECISION,
      partition: 0,
      partitions: 1,
      nowMs: START_MS,
      others,
    });
    this.opening = {
      decisionId: DECISION,
      listener: "somebody",
      campaignId: "spring",
      adSetId: "spring-de",
      creativeId: "spring-30",
      advertiserId: "nordlicht",
      day: DAY,
      priceNanos: PRICE_NANOS,
      durationMs: 30_000,
      expiresAtMs: START_MS + 20 * MINUTE_MS,
      test: false,
      podcast: false,
      measure: true,
      ...changed,
    };
    this.kit.tell("Grant", { campaign: "spring", day: DAY, grantedMicros: 20_000, number: 0 }, WALLET);
    if (!this.opening.test)
      this.kit.call(reserve, { campaign: "spring", day: DAY, nanos: PRICE_NANOS, test: false }, "w0");
    this.kit.tell("Open", this.opening);
  }

  get nowMs(): number {
    return this.kit.clock.now;
  }

  /** @returns "orphan" where the delivery is gone, as the gateway would say. */
  event(event: TrackedEvent, { atMs = this.nowMs, bot = false } = {}): EventStatus | "orphan" {
    return this.#unlessAbsent(
      () => this.kit.ask("Event", bot ? { event, atMs, invalid: "bot" } : { event, atMs }) as EventStatus,
    );
  }

  /** A conversion as the gateway takes it: the delivery's touch, then the order. */
  convert(orderKey: string, { atMs = this.nowMs, clicked = false } = {}): string {
    const claim = { orderKey, atMs, valueMicros: 5, clicked };
    const answer = this.#unlessAbsent(() => this.kit.ask("Convert", claim) as ConversionAnswer);
    if (answer === "orphan") return answer;
    if (answer.status !== "touch") return answer.status;
    const join = { touch: answer.touch, atMs, valueMicros: 5 };
    return this.kit.ask("Join", join, { kind: "conversion", key: orderKey }) as string;
  }

  get counts(): DeliveryCounts {
    return this.#account.counts;
  }

  get spentNanos(): number {
    return this.#account.spentNanos;
  }

  rows(t: string): Record<string, unknown>[] {
    return this.kit.rows.filter((row) => row.t === t);
  }

  /** The clock goes on, with what falls due on the way. */
  advance(ms: number): void {
    this.kit.advance(ms);
  }

  get #account(): { counts: DeliveryCounts; spentNanos: number } {
    return this.kit.part(`account/spring/${DAY}`, WALLET);
  }

  #unlessAbsent<T>(run: () => T): T | "orphan" {
    try {
      return run();
    } catch (error) {
      if ((error as { code?: unknown }).code === "ACTOR_ABSENT") return "orphan";
      throw error;
    }
  }
}
