import { servingIdOf } from "../../protocols/decision-id.ts";
import { Fault } from "../../protocols/errors.ts";
import { delivery, type EventStatus } from "../../protocols/messages/delivery.ts";
import type { Partition } from "../../protocols/ids.ts";
import { orphan, orphanKey } from "../../protocols/messages/orphan.ts";
import type { Payload } from "../../protocols/protocol.ts";
import type { DurationMs, EpochMs } from "../../protocols/quantities.ts";
import type { TrackedEvent } from "../../protocols/tracked-event.ts";
import { readToken, type TokenFields, type TokenKey } from "../../protocols/tracking-token.ts";
import type { Admission } from "./admission.ts";
import { askActor, type Asker } from "./asker.ts";
import { NO_DECISION } from "./served-ad.ts";

/** What became of an event. */
export type Taken =
  /** Durable (D2), with what delivery said. */
  | EventStatus
  /** Durable in the partition's mail; delivery will see it (D4). */
  | "stored"
  /** The token is good, but its delivery is gone: money can no longer move. */
  | "orphan"
  | "forged"
  | "expired"
  /** Not taken: too much is under way. */
  | "overloaded"
  /** Not taken: neither the owner nor the bus answered. */
  | "unavailable";

type Arrived = Payload<(typeof delivery)["messages"]["Event"]>;

export interface EventIntakeParts {
  readonly asker: Asker;
  readonly admission: Admission;
  /** Live keys; a token of another is forged. */
  readonly keys: readonly TokenKey[];
  /** How long the owner may take before the event goes into its mail (D4). */
  readonly ownerTimeoutMs: DurationMs;
  readonly onError: (error: unknown) => void;
}

/** Takes events of tracking URLs, notices and server-side batches: whatever comes back as durable will be counted once (N1). */
export class EventIntake {
  private readonly parts: EventIntakeParts;

  constructor(parts: EventIntakeParts) {
    this.parts = parts;
  }

  /** Reads a token; `event`, where a sender names it too, must be the token's own. */
  read(
    token: string,
    event: string | undefined,
    nowMs: EpochMs,
  ): { readonly fields: TokenFields; readonly event: TrackedEvent } | "forged" | "expired" {
    const reading = readToken(this.parts.keys, token, nowMs);
    if (!reading.ok) return reading.reason === "expired" ? "expired" : "forged";
    const { fields } = reading;
    return event === undefined || event === fields.event ? { fields, event: fields.event } : "forged";
  }

  /** Hands an event to its delivery. Safe to repeat. Never rejects. @param isBot it is recorded and has no other effect. */
  async take(fields: TokenFields, event: TrackedEvent, atMs: EpochMs, isBot = false): Promise<Taken> {
    if (fields.decisionId === NO_DECISION) return "orphan";
    const arrived: Arrived = isBot ? { event, atMs, invalid: "bot" } : { event, atMs };
    return this.parts.admission.admit<Taken>(() => this.ask(fields, arrived), "overloaded");
  }

  private async ask(fields: TokenFields, arrived: Arrived): Promise<Taken> {
    const { asker, ownerTimeoutMs, onError } = this.parts;
    const { decisionId, slot, partition } = fields;
    const key = servingIdOf(decisionId, slot);
    try {
      return await askActor(asker, delivery, { key, partition }, "Event", arrived, ownerTimeoutMs);
    } catch (error) {
      if (error instanceof Fault && error.code === "ACTOR_ABSENT") {
        const { event, atMs } = arrived;
        const stray = { decisionId, slot, event, atMs, status: "orphan" } as const;
        return recordStray({ asker, ownerTimeoutMs, onError }, partition, stray);
      }
      if (!(error instanceof Fault)) onError(error);
      return this.store(fields, arrived);
    }
  }

  private async store(fields: TokenFields, arrived: Arrived): Promise<Taken> {
    const key = servingIdOf(fields.decisionId, fields.slot);
    const to = { kind: delivery.name, key, partition: fields.partition };
    try {
      return (await this.parts.asker.publishIngress(to, "LateEvent", arrived)) ? "stored" : "overloaded";
    } catch (error) {
      if (!(error instanceof Fault)) this.parts.onError(error);
      return "unavailable";
    }
  }
}

/**
 * Writes an event down that joins nothing. It has no effect, so whether that succeeds changes no answer: an orphan is one again when it
 * is sent again, but no sender would.
 */
export async function recordStray(
  { asker, ownerTimeoutMs, onError }: Pick<EventIntakeParts, "asker" | "ownerTimeoutMs" | "onError">,
  partition: Partition,
  stray: Payload<(typeof orphan)["messages"]["Record"]>,
): Promise<"orphan" | "invalid"> {
  try {
    await askActor(asker, orphan, { key: orphanKey(partition), partition }, "Record", stray, ownerTimeoutMs);
  } catch (error) {
    if (!(error instanceof Fault)) onError(error);
  }
  return stray.status;
}

/** Events that settle money: without a reservation they come too late (decisioning.md 7.2). */
export function settles(event: TrackedEvent): boolean {
  return event === "impression" || event === "bill";
}
