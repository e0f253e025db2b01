import { ATTRIBUTION, type AttributionRules } from "../../protocols/attribution.ts";
import {
  delivery,
  type DeliveryOpening,
  type DeliveryView,
  type EventStatus,
  type TrackedEvent,
} from "../../protocols/messages/delivery.ts";
import type { DeliveryFigure } from "../../protocols/messages/budget.ts";
import { creativeLearner } from "../../protocols/messages/creative-learner.ts";
import { listener, type DeliveryOutcome } from "../../protocols/messages/listener.ts";
import { walletKey } from "../../protocols/messages/wallet.ts";
import { assertInvariant } from "../../protocols/errors.ts";
import type { Payload } from "../../protocols/protocol.ts";
import type { EpochMs } from "../../protocols/quantities.ts";
import { defineActor } from "../../runtime/actor/define.ts";
import type { Effects } from "../../runtime/actor/effects.ts";
import { ref } from "../../runtime/actor/reference.ts";
import { servingIdOf } from "../../protocols/decision-id.ts";
import { restart } from "../../runtime/actor/supervision.ts";
import { convert, handleRemembered, joinHeld, LATE_MS, remembered } from "./remembered.ts";
import { count, release, settle } from "../wallet/calls.ts";
import { isTooFast, newlyCounted } from "./playback.ts";
import { deliveryState, type DeliveryState, type Playing, type SeenEvent } from "./state.ts";

const MINUTE_MS = 60_000;
/** Playback events count this long after billing (decisioning.md 7.3). */
const PLAYBACK_MS = 30 * MINUTE_MS;
const PLAYBACK_PODCAST_MS = 240 * MINUTE_MS;

const FIGURES: Partial<Record<TrackedEvent, DeliveryFigure>> = {
  impression: "impressions",
  start: "starts",
  complete: "completes",
  skip: "skips",
  click: "clicks",
};

type Handled = { readonly state: DeliveryState; readonly status: EventStatus };
type Arrived = Payload<(typeof delivery)["messages"]["LateEvent"]>;

/**
 * One bid's life: open → billed | lost | expired, left once (B3). Impression and billing notice are two triggers of one billing
 * (decisioning.md 1); it settles with the wallet in the same commit. Every kind of event has effect once, in any order (N1). Billed, it
 * outlives its playback as what clicks and conversions join (ADR 0015).
 */
export function deliveryActorBy(rules: AttributionRules) {
  return defineActor(delivery, {
    state: deliveryState,
    opens: ["Open"],
    pinned: true,
    supervision: restart(),
    passivateAfterMs: 5_000, // beacons come much later: its state is read again then
    handlers: {
      Open(state, opening, fx) {
        if (state.stage === "over" || state.opening !== null) return state;
        fx.setTimer("expire", opening.expiresAtMs);
        return { ...state, opening };
      },
      Event(state, arrived, fx) {
        const handled = handle(state, arrived, rules, fx);
        fx.reply(handled.status);
        return handled.state;
      },
      LateEvent: (state, arrived, fx) => handle(state, arrived, rules, fx).state,
      Convert(state, claim, fx) {
        const converted = convert(state, { ...claim, atMs: Math.min(claim.atMs, fx.nowMs) }, rules, fx);
        fx.reply(converted.answer);
        return converted.state;
      },
      Withdraw: (state, _message, fx) => (state.stage === "over" ? state : giveUp(state, "lost", fx.nowMs, fx)),
      Describe(state, _question, fx) {
        fx.reply(viewOf(state));
        return state;
      },
    },
    timers: {
      expire(state, fx) {
        if (state.stage === "over") return state;
        fx.setTimer("forget", fx.nowMs + LATE_MS);
        return giveUp(state, "expired", fx.nowMs, fx);
      },
      /** Of a billed bid this comes twice: at the end of its playback, and of all its windows. */
      forget(state, fx) {
        if (state.stage !== "over" && state.opening !== null && !state.opening.test) {
          const { opening, stage, events } = state;
          const { decisionId, slot = 0, campaignId, creativeId, priceNanos } = opening;
          fx.record({ t: "outcome", decisionId, slot, campaignId, creativeId, stage, priceNanos, events });
          if (stage === "billed") return remembered(state, opening, rules, fx);
        }
        fx.forget();
        return state;
      },
    },
  });
}

/** By the windows of decisioning.md 7.3. */
export const deliveryActor = deliveryActorBy(ATTRIBUTION);

function viewOf(state: DeliveryState): DeliveryView {
  if (state.stage !== "over")
    return { stage: state.stage, priceNanos: state.opening?.priceNanos ?? 0, events: state.events, over: false };
  const events = state.clickedAtMs === null ? [] : [{ event: "click", atMs: state.clickedAtMs }];
  return { stage: "billed", priceNanos: 0, events, over: true };
}

function handle(state: DeliveryState, arrived: Arrived, rules: AttributionRules, fx: Effects): Handled {
  const { event, invalid } = arrived;
  const atMs = Math.min(arrived.atMs, fx.nowMs);
  if (state.stage === "over") return handleRemembered(state, { event, atMs, invalid }, rules, fx);
  const { opening } = state;
  assertInvariant(opening !== null, "only Open creates a delivery");
  if (opening.test) return { state, status: "test" };
  if (invalid !== undefined) return noteInvalid(state, opening, { event, atMs, invalid }, fx);
  // A beacon that waited for a takeover counts from when it was sent; one sent after the end finds the reservation ended.
  const ended = state.stage === "open" && atMs > opening.expiresAtMs ? giveUp(state, "expired", fx.nowMs, fx) : state;
  const billing = event === "impression" || event === "bill";
  if (valid(ended).some((one) => one.event === event || (billing && ended.stage === "billed" && isBilling(one.event))))
    return { state: ended, status: ended.stage === "lost" || ended.stage === "expired" ? "late" : "duplicate" };
  const seen = { ...ended, events: [...ended.events, { event, atMs }] };
  if (seen.stage === "lost" || seen.stage === "expired" || (event === "loss" && seen.stage === "billed")) {
    recordEvent(seen, opening, { event, atMs }, "late", fx);
    return { state: seen, status: "late" };
  }
  if (billing) return { state: joinHeld(bill(seen, opening, { event, atMs }, fx), rules, fx), status: "accepted" };
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
  const played = play(seen, opening, { event, atMs }, fx);
  return { state: event === "click" ? joinHeld(played, rules, fx) : played, status: "accepted" };
}

/** What a bot reports is written down once a kind and has no effect: it neither bills nor counts, nor stands in a person's way. */
function noteInvalid(state: Playing, opening: DeliveryOpening, seen: SeenEvent, fx: Effects): Handled {
  if (state.events.some((one) => one.event === seen.event && one.invalid !== undefined))
    return { state, status: "duplicate" };
  const { event, atMs, invalid } = seen;
  const { decisionId, slot = 0 } = opening;
  const row = { t: "event", decisionId, slot, event, atMs, arrivedAtMs: fx.nowMs };
  fx.record({ ...row, status: "invalid", invalid });
  return { state: { ...state, events: [...state.events, { event, atMs, invalid }] }, status: "invalid" };
}

const valid = (state: Playing): readonly SeenEvent[] => state.events.filter((one) => one.invalid === undefined);

const isBilling = (event: TrackedEvent): boolean => event === "impression" || event === "bill";

function bill(state: Playing, opening: DeliveryOpening, trigger: SeenEvent, fx: Effects): Playing {
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
  const held = valid(state).filter(({ event }) => !isBilling(event) && event !== "win" && event !== "error");
  return held.reduce<Playing>((next, one) => play(next, opening, one, fx), { ...state, stage: "billed" });
}

/** Counts a playback event of a billed impression, with what it implies. */
function play(state: Playing, opening: DeliveryOpening, seen: SeenEvent, fx: Effects): Playing {
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
function giveUp(state: Playing, stage: "lost" | "expired", atMs: EpochMs, fx: Effects): Playing {
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
  const outcome = { decisionId, campaignId, creativeId, event, atMs };
  const { measure, advertiserId } = opening;
  const isTouch = event === "billed" && measure === true;
  fx.tell(ref(listener, opening.listener), "Outcome", isTouch ? { ...outcome, touch: { advertiserId } } : outcome);
}

/** A row of the decision log: event time, arrival and whether it looks invalid (decisioning.md 7.3). */
function recordEvent(
  state: Playing,
  opening: DeliveryOpening,
  { event, atMs }: SeenEvent,
  status: EventStatus,
  fx: Effects,
): void {
  const invalid = (event === "start" || event === "complete") && isTooFast(valid(state), opening.durationMs);
  const { decisionId, slot = 0 } = opening;
  const row = { t: "event", decisionId, slot, event, atMs, arrivedAtMs: fx.nowMs, status };
  fx.record(invalid ? { ...row, invalid: "complete-too-soon" } : row);
}
