import type { KeyObject } from "node:crypto";
import { Fault } from "../../protocols/errors.ts";
import { type Partition, partitionOf } from "../../protocols/ids.ts";
import { conversion, type ConversionClaim } from "../../protocols/messages/conversion.ts";
import { type ConversionAnswer, delivery } from "../../protocols/messages/delivery.ts";
import { listener } from "../../protocols/messages/listener.ts";
import { pseudonymKey } from "../../protocols/pseudonym.ts";
import type { DurationMs, EpochMs } from "../../protocols/quantities.ts";
import { readToken, type TokenKey } from "../../protocols/tracking-token.ts";
import { readDecisionId, readServingId, servingIdOf } from "../../protocols/decision-id.ts";
import type { Admission } from "./admission.ts";
import { askActor, type Asker } from "./asker.ts";
import { recordStray, type Taken } from "./event-intake.ts";

/** A conversion as its sender reports it, checked field by field. */
export interface ReportedConversion {
  readonly orderId: string;
  readonly token: string | null;
  readonly userId: string | null;
  readonly advertiserId: string | null;
  readonly valueMicros: number | null;
  readonly atMs: EpochMs;
  readonly isBot: boolean;
}

export interface ConversionIntakeParts {
  readonly asker: Asker;
  readonly admission: Admission;
  readonly keys: readonly TokenKey[];
  /** Makes keys of raw order and user ids, which end here (D18). */
  readonly pseudonymSecret: KeyObject;
  readonly ownerTimeoutMs: DurationMs;
  readonly onError: (error: unknown) => void;
}

interface Ad {
  readonly decisionId: string;
  readonly slot: number;
  readonly partition: Partition;
  /** The token that named it was the click's. */
  readonly clicked: boolean;
}

/** Without touch, an event of this name would be nothing in the log. */
const CONVERSION = "conversion";

/**
 * Takes conversions (ADR 0015): asks the ad's delivery for the touch, then the order to join it. Only the order counts, so that a crash
 * between the two, or a repeat, changes nothing. What names no ad looks for the listener's last touch.
 */
export class ConversionIntake {
  readonly #parts: ConversionIntakeParts;

  constructor(parts: ConversionIntakeParts) {
    this.#parts = parts;
  }

  /** Never rejects. "unavailable" or "overloaded": nothing is promised, and it is to be sent again. */
  async take(sender: string, reported: ReportedConversion): Promise<Taken> {
    const named = this.#adOf(reported.token);
    if (named === "forged") return "forged";
    return this.#parts.admission.admit<Taken>(() => this.#join(sender, reported, named), "overloaded");
  }

  /** The ad a token names. When it may convert is a matter of the windows, not of the token's own expiry. */
  #adOf(token: string | null): Ad | "forged" | null {
    if (token === null) return null;
    const reading = readToken(this.#parts.keys, token, 0);
    if (!reading.ok) return "forged";
    const { decisionId, slot, partition, event } = reading.fields;
    return { decisionId, slot, partition, clicked: event === "click" };
  }

  async #join(sender: string, reported: ReportedConversion, named: Ad | null): Promise<Taken> {
    const { orderId, atMs, valueMicros } = reported;
    const orderKey = pseudonymKey(this.#parts.pseudonymSecret, "order", `${sender}|${orderId}`);
    const stray = (status: "orphan" | "invalid", ad: Ad | null) =>
      recordStray(this.#parts, ad?.partition ?? this.#partitionOf(orderKey), {
        decisionId: ad?.decisionId ?? null,
        slot: ad?.slot ?? 0,
        event: CONVERSION,
        atMs,
        status,
      });
    try {
      if (reported.isBot) return await stray("invalid", named);
      const claim = { orderKey, atMs, valueMicros };
      let answer = named === null ? null : await this.#claim(named, { ...claim, clicked: named.clicked });
      // A touch that its token's ad does not give may be another's.
      const looks = answer === null || answer.status === "late";
      const last = looks && reported.userId !== null ? await this.#lastTouch(reported) : null;
      if (last !== null) answer = (await this.#claim(last, { ...claim, clicked: false })) ?? answer;
      if (answer === null) return await stray("orphan", last ?? named);
      return await this.#settle(orderKey, answer, reported);
    } catch (error) {
      if (!(error instanceof Fault)) this.#parts.onError(error);
      return error instanceof Fault && error.code === "OVERLOADED" ? "overloaded" : "unavailable";
    }
  }

  async #settle(orderKey: string, answer: ConversionAnswer, reported: ReportedConversion): Promise<Taken> {
    const { atMs, valueMicros } = reported;
    if (answer.status !== "touch") return answer.status === "held" ? "accepted" : answer.status;
    const to = { key: orderKey, partition: this.#partitionOf(orderKey) };
    const join = { touch: answer.touch, atMs, valueMicros };
    return askActor(this.#parts.asker, conversion, to, "Join", join, this.#parts.ownerTimeoutMs);
  }

  /** @returns null when that delivery is unknown or forgotten. */
  async #claim({ decisionId, slot, partition }: Ad, claim: ConversionClaim): Promise<ConversionAnswer | null> {
    const { asker, ownerTimeoutMs } = this.#parts;
    const to = { key: servingIdOf(decisionId, slot), partition };
    try {
      return await askActor(asker, delivery, to, "Convert", claim, ownerTimeoutMs);
    } catch (error) {
      if (error instanceof Fault && error.code === "ACTOR_ABSENT") return null;
      throw error;
    }
  }

  async #lastTouch({ userId, advertiserId, atMs }: ReportedConversion): Promise<Ad | null> {
    const { asker, ownerTimeoutMs, pseudonymSecret } = this.#parts;
    if (userId === null) return null;
    const key = pseudonymKey(pseudonymSecret, "user", userId);
    const to = { key, partition: this.#partitionOf(key) };
    const found = await askActor(asker, listener, to, "LastTouch", { atMs, advertiserId }, ownerTimeoutMs);
    const ad = found === null ? null : readServingId(found.servingId);
    const made = ad === null ? null : readDecisionId(ad.decisionId);
    return ad === null || made === null ? null : { ...ad, partition: made.partition, clicked: false };
  }

  #partitionOf(key: string): Partition {
    return partitionOf(key, this.#parts.asker.partitions);
  }
}
