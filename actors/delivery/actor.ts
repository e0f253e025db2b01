import {
  delivery,
  type DeliveryOpening,
  type EventStatus,
  type TrackedEvent,
} from "../../protocols/messages/delivery.ts";
import type { DeliveryFigure } from "../../protocols/messages/budget.ts";
import { creativeLearner } from "../../protocols/messages/creative-learner.ts";
import { listener, type DeliveryOutcome } from "../../protocols/messages/listener.ts";
import { walletKey } from "../../protocols/messages/wallet.ts";
import { assertInvariant } from "../../protocols/errors.ts";
import type { EpochMs } from "../../protocols/quantities.ts";
import { defineActor } from "../../runtime/actor/define.ts";
import type { Effects } from "../../runtime/actor/effects.ts";
import { ref } from "../../runtime/actor/reference.ts";
import { servingIdOf } from "../../protocols/decision-id.ts";
import { restart } from "../../runtime/actor/supervision.ts";
import { count, release, settle } from "../wallet/calls.ts";
import { isTooFast, newlyCounted } from "./playback.ts";
import { deliveryState, type DeliveryState, type SeenEvent } from "./state.ts";

const MINUTE_MS = 60_000;
/** Playback events count this long after billing (decisioning.md 7.3). */
const PLAYBACK_MS = 30 * MINUTE_MS;
const PLAYBACK_PODCAST_MS = 240 * MINUTE_MS;
/** What is not billed is kept a little longer than its tokens are good, so that a gateway's slow clock finds "late", not nothing (N4). */
const LATE_MS = MINUTE_MS;

const FIGURES: Partial<Record<TrackedEvent, DeliveryFigure>> = {
  impression: "impressions",
  start: "starts",
  complete: "completes",
  skip: "skips",
  click: "clicks",
};

type Handled = { readonly state: DeliveryState; readonly status: EventStatus };

/**
 * One bid's life: open → billed | lost | expired, left once (B3). Impression and billing notice are two triggers of one billing
 * (decisioning.md 1); it settles with the wallet in the same commit. Every kind of event has effect once, in any order (N1).
 */
export const deliveryActor = defineActor(delivery, {
  state: deliveryState,
  opens: ["Open"],
  pinned: true,
  supervision: restart(),
  passivateAfterMs: 5_000, // beacons come much later: its state is read again then
  handlers: {
    Open(state, opening, fx) {
      if (state.opening !== null) return state;
      fx.setTimer("expire", opening.expiresAtMs);
      return { ...state, opening };
    },
    Event(state, { event, atMs }, fx) {
      const handled = handle(state, event, atMs, fx);
      fx.reply(handled.status);
      return handled.state;
    },
    LateEvent: (state, { event, atMs }, fx) => handle(state, event, atMs, fx).state,
    Withdraw: (state, _message, fx) => giveUp(state, "lost", fx.nowMs, fx),
    Describe(state, _question, fx) {
      fx.reply({ stage: state.stage, priceNanos: state.opening?.priceNanos ?? 0, events: state.events });
      return state;
    },
  },
  timers: {
    expire(state, fx) {
      fx.setTimer("forget", fx.nowMs + LATE_MS);
      return giveUp(state, "expired", fx.nowMs, fx);
    },
    forget(state, fx) {
      const { opening, stage, events } = state;
      if (opening !== null && !opening.test) {
        const { decisionId, slot = 0, campaignId, creativeId, priceNanos } = opening;
        fx.record({ t: "outcome", decisionId, slot, campaignId, creativeId, stage, priceNanos, events });
      }
      fx.forget();
      return state;
    },
  },
});

function handle(state: DeliveryState, event: TrackedEvent, reportedAtMs: EpochMs, fx: Effects): Handled {
  const { opening } = state;
  assertInvariant(opening !== null, "only Open creates a delivery");
  if (opening.test) return { state, status: "test" };
  const atMs = Math.min(reportedAtMs, fx.nowMs);
  // A beacon that waited for a takeover counts from when it was sent; one sent after the end finds the reservation ended.
  const ended = state.stage === "open" && atMs > opening.expiresAtMs ? giveUp(state, "expired", fx.nowMs, fx) : state;
  const billing = event === "impression" || event === "bill";
  if (ended.events.some((one) => one.event === event || (billing && ended.stage === "billed" && isBilling(one.event))))
    return { state: ended, status: ended.stage === "lost" || ended.stage === "expired" ? "late" : "duplicate" };
  const seen = { ...ended, events: [...ended.events, { event, atMs }] };
  if (seen.stage === "lost" || seen.stage === "expired" || (event === "loss" && seen.stage === "billed")) {
    recordEvent(seen, opening, { event, atMs }, "late", fx);
    return { state: seen, status: "late" };
  }
  if (billing) return { state: bill(seen, opening, { event, atMs }, fx), status: "accepted" };
  if (event === "loss") {
    recordEvent(seen, opening, { event, atMs }, "accepted", fx);
    return { state: giveUp(seen, "lost", atMs, fx), status: "accepted" };
  }
  if (event === "win" || event === "error") {
    recordEvent(seen, opening, { event, atMs }, "accepted", fx);
    return { state: seen, status: "accepted" };
  }
  // Playback before its impression is held in `events` and counts once billed.
  if (seen.stage === "open") return { state: seen, status: "accepted" };
  return { state: play(seen, opening, { event, atMs }, fx), status: "accepted" };
}

const isBilling = (event: TrackedEvent): boolean => event === "impression" || event === "bill";

function bill(state: DeliveryState, opening: DeliveryOpening, trigger: SeenEvent, fx: Effects): DeliveryState {
  const account = { campaign: opening.campaignId, day: opening.day };
  const { priceNanos } = opening;
  const to = { key: walletKey(fx.partition) };
  fx.call(to, settle, { ...account, nanos: priceNanos, reservedNanos: priceNanos });
  fx.call(to, count, { ...account, event: "impressions" });
  fx.cancelTimer("expire");
  fx.setTimer("forget", fx.nowMs + (opening.podcast ? PLAYBACK_PODCAST_MS : PLAYBACK_MS));
  recordEvent(state, opening, trigger, "accepted", fx);
  tellListener(opening, "billed", trigger.atMs, fx);
  tellLearner(opening, "Shown", trigger.atMs, fx);
  const held = state.events.filter(({ event }) => !isBilling(event) && event !== "win" && event !== "error");
  return held.reduce<DeliveryState>((next, one) => play(next, opening, one, fx), { ...state, stage: "billed" });
}

/** Counts a playback event of a billed impression, with what it implies. */
function play(state: DeliveryState, opening: DeliveryOpening, seen: SeenEvent, fx: Effects): DeliveryState {
  recordEvent(state, opening, seen, "accepted", fx);
  const counted = newlyCounted(state.counted, seen.event);
  for (const event of counted) {
    const figure = FIGURES[event];
    if (figure !== undefined)
      fx.call({ key: walletKey(fx.partition) }, count, {
        campaign: opening.campaignId,
        day: opening.day,
        event: figure,
      });
    if (isLearntFrom(event)) tellListener(opening, event, seen.atMs, fx);
    if (event === "click") tellLearner(opening, "Responded", seen.atMs, fx);
  }
  return counted.length === 0 ? state : { ...state, counted: [...state.counted, ...counted] };
}

/** What a listener's agents learn from, besides the reservation's end. */
function isLearntFrom(event: string): event is "start" | "complete" | "skip" | "click" {
  return event === "start" || event === "complete" || event === "skip" || event === "click";
}

/** Ends the reservation without an impression and gives back exactly what it held (B4); a delivery that has ended stays as it is. */
function giveUp(state: DeliveryState, stage: "lost" | "expired", atMs: EpochMs, fx: Effects): DeliveryState {
  const { opening } = state;
  if (opening === null || state.stage !== "open") return state;
  if (!opening.test) {
    const account = { campaign: opening.campaignId, day: opening.day };
    fx.call({ key: walletKey(fx.partition) }, release, { ...account, nanos: opening.priceNanos });
    tellListener(opening, "released", atMs, fx);
    // A loss is heard of; silence may be a tracking that broke.
    if (stage === "expired" && opening.learntGenre !== undefined)
      fx.tell(ref(creativeLearner, opening.campaignId), "Missed", { atMs });
  }
  return { ...state, stage };
}

function tellLearner(opening: DeliveryOpening, what: "Shown" | "Responded", atMs: EpochMs, fx: Effects): void {
  const { campaignId, creativeId, learntGenre: genre } = opening;
  if (genre !== undefined) fx.tell(ref(creativeLearner, campaignId), what, { creativeId, genre, atMs });
}

function tellListener(opening: DeliveryOpening, event: DeliveryOutcome["event"], atMs: EpochMs, fx: Effects): void {
  const { campaignId, creativeId } = opening;
  if (opening.listener === null) return;
  const decisionId = servingIdOf(opening.decisionId, opening.slot ?? 0);
  fx.tell(ref(listener, opening.listener), "Outcome", { decisionId, campaignId, creativeId, event, atMs });
}

/** A row of the decision log: event time, arrival and whether it looks invalid (decisioning.md 7.3). */
function recordEvent(
  state: DeliveryState,
  opening: DeliveryOpening,
  { event, atMs }: SeenEvent,
  status: EventStatus,
  fx: Effects,
): void {
  const invalid = (event === "start" || event === "complete") && isTooFast(state.events, opening.durationMs);
  const { decisionId, slot = 0 } = opening;
  const row = { t: "event", decisionId, slot, event, atMs, arrivedAtMs: fx.nowMs, status };
  fx.record(invalid ? { ...row, invalid: "complete-too-soon" } : row);
}
