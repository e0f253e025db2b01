import { touchAt, type AttributionRules, type Contact } from "../../protocols/attribution.ts";
import { conversion, type ConversionClaim, type Touch } from "../../protocols/messages/conversion.ts";
import {
  CLICK_MS,
  type ConversionAnswer,
  type DeliveryOpening,
  type EventStatus,
  type InvalidTraffic,
} from "../../protocols/messages/delivery.ts";
import { readDecisionId, readServingId } from "../../protocols/decision-id.ts";
import { creativeLearner } from "../../protocols/messages/creative-learner.ts";
import type { TrackedEvent } from "../../protocols/tracked-event.ts";
import { walletKey } from "../../protocols/messages/wallet.ts";
import { listener } from "../../protocols/messages/listener.ts";
import type { EpochMs } from "../../protocols/quantities.ts";
import type { Effects } from "../../runtime/actor/effects.ts";
import { ref } from "../../runtime/actor/reference.ts";
import { count } from "../wallet/calls.ts";
import type { DeliveryState, Playing, Remembered } from "./state.ts";

/*
 * A billed bid after its playback window (ADR 0015): the same actor, shrunk to what a click and a conversion need. It lives as long as
 * one of its tokens, or a window that a conversion may fall into (N4).
 */

const MINUTE_MS = 60_000;
/** What has ended is kept a little longer than its tokens are good, so that a gateway's slow clock finds "late", not nothing (N4). */
export const LATE_MS = MINUTE_MS;
/** More conversions than this that wait for one ad's impression or click are no person's. */
const HELD_MAX = 8;

/** Shrinks a billed bid and says when it can be forgotten. */
export function remembered(state: Playing, opening: DeliveryOpening, rules: AttributionRules, fx: Effects): Remembered {
  const { campaignId, creativeId, day, listener: key, expiresAtMs, learntGenre } = opening;
  const contact = contactOf(state, fx.key) ?? { heardAtMs: fx.nowMs, clickedAtMs: null };
  const kept: Remembered = {
    stage: "over",
    campaignId,
    creativeId,
    day,
    listener: key,
    ...contact,
    botClicked: state.events.some((one) => one.event === "click" && one.invalid !== undefined),
    tokensEndMs: expiresAtMs + CLICK_MS,
    held: state.held,
    ...(learntGenre === undefined ? {} : { learntGenre }),
  };
  fx.setTimer("forget", forgetDueMs(kept, rules));
  return kept;
}

function forgetDueMs({ tokensEndMs, heardAtMs, clickedAtMs }: Remembered, rules: AttributionRules): EpochMs {
  const clickedUntilMs = clickedAtMs === null ? 0 : clickedAtMs + rules.clickThroughMs;
  return Math.max(tokensEndMs, heardAtMs + rules.listenThroughMs, clickedUntilMs) + LATE_MS;
}

/** An event after the playback window: a click still counts, once; whatever else comes is recorded as late. */
export function handleRemembered(
  state: Remembered,
  { event, atMs, invalid }: { event: TrackedEvent; atMs: EpochMs; invalid?: InvalidTraffic | undefined },
  rules: AttributionRules,
  fx: Effects,
): { readonly state: Remembered; readonly status: EventStatus } {
  const { campaignId, creativeId, day } = state;
  const about = { ...readServingId(fx.key), campaignId, creativeId, event, atMs, arrivedAtMs: fx.nowMs };
  if (event !== "click") return { state, status: event === "impression" || event === "bill" ? "duplicate" : "late" };
  if (invalid !== undefined) {
    if (state.botClicked) return { state, status: "duplicate" };
    fx.record({ t: "join", ...about, status: "invalid", invalid });
    return { state: { ...state, botClicked: true }, status: "invalid" };
  }
  if (state.clickedAtMs !== null) return { state, status: "duplicate" };
  if (atMs > state.tokensEndMs) {
    fx.record({ t: "join", ...about, status: "late" });
    return { state, status: "late" };
  }
  fx.record({ t: "join", ...about, status: "accepted" });
  fx.call({ key: walletKey(fx.partition) }, count, { campaign: campaignId, day, event: "clicks" });
  if (state.listener !== null)
    fx.tell(ref(listener, state.listener), "Outcome", {
      decisionId: fx.key,
      campaignId,
      creativeId,
      event: "click",
      atMs,
    });
  if (state.learntGenre !== undefined)
    fx.tell(ref(creativeLearner, campaignId), "Responded", { creativeId, genre: state.learntGenre, atMs });
  const clicked = { ...state, clickedAtMs: Math.max(atMs, state.heardAtMs) };
  fx.setTimer("forget", forgetDueMs(clicked, rules));
  return { state: joinHeld(clicked, rules, fx), status: "accepted" };
}

/**
 * When a delivery was heard and clicked, or null while it is not billed. Never before it was decided, whatever a sender's clock says, or
 * its windows would have passed before they began.
 */
function contactOf(state: DeliveryState, servingId: string): Contact | null {
  if (state.stage === "over") return state;
  if (state.stage !== "billed") return null;
  const decidedAtMs = readDecisionId(readServingId(servingId).decisionId)?.atMs ?? 0;
  const valid = state.events.filter((one) => one.invalid === undefined);
  const heard = valid.find(({ event }) => event === "impression" || event === "bill");
  const click = valid.find(({ event }) => event === "click");
  if (heard === undefined) return null;
  const clickedAtMs = click === undefined ? null : Math.max(click.atMs, decidedAtMs);
  return { heardAtMs: Math.max(heard.atMs, decidedAtMs), clickedAtMs };
}

function touchOf(state: DeliveryState, claim: ConversionClaim, rules: AttributionRules, key: string): Touch | null {
  const contact = contactOf(state, key);
  if (contact === null) return null;
  const clickedAtMs = contact.clickedAtMs ?? (claim.clicked ? contact.heardAtMs : null);
  const found = touchAt({ ...contact, clickedAtMs }, claim.atMs, rules);
  const about = state.stage === "over" ? state : state.opening;
  if (found === null || about === null) return null;
  const { campaignId, creativeId, day } = about;
  return { ...readServingId(key), campaignId, creativeId, day, ...found };
}

/** The touch a conversion joins. Before the impression, or without a click that may still come, it is held (N1: any order). */
export function convert<S extends DeliveryState>(
  state: S,
  claim: ConversionClaim,
  rules: AttributionRules,
  fx: Effects,
): { readonly state: S; readonly answer: ConversionAnswer } {
  if (state.stage !== "over" && state.opening?.test === true) return { state, answer: { status: "test" } };
  const touch = touchOf(state, claim, rules, fx.key);
  if (touch !== null) return { state, answer: { status: "touch", touch } };
  const unbilled = state.stage === "open";
  const clickMayCome = state.stage === "billed" || (state.stage === "over" && state.clickedAtMs === null);
  if (!unbilled && !clickMayCome) return { state, answer: { status: "late" } };
  const known = state.held.some((one) => one.orderKey === claim.orderKey && one.clicked === claim.clicked);
  if (!known && state.held.length >= HELD_MAX) return { state, answer: { status: "late" } };
  const held = known ? state : { ...state, held: [...state.held, claim] };
  return { state: held, answer: { status: unbilled ? "held" : "late" } };
}

/** After an impression or a click: conversions that waited for it go to their orders. */
export function joinHeld<S extends DeliveryState>(state: S, rules: AttributionRules, fx: Effects): S {
  const waiting = state.held.filter((claim) => {
    const touch = touchOf(state, claim, rules, fx.key);
    if (touch === null) return true;
    const { atMs, valueMicros } = claim;
    fx.tell(ref(conversion, claim.orderKey), "JoinHeld", { touch, atMs, valueMicros });
    return false;
  });
  return waiting.length === state.held.length ? state : { ...state, held: waiting };
}
