import type { AdSetEntry, CatalogIndex } from "../../protocols/catalog-index.ts";
import { INDEX_SNAPSHOT } from "../../protocols/messages/catalog.ts";
import { delivery, reservationMs } from "../../protocols/messages/delivery.ts";
import type { DecisionAnswer, DecisionRequest } from "../../protocols/messages/listener.ts";
import { walletKey } from "../../protocols/messages/wallet.ts";
import type { EpochMs, LocalDate } from "../../protocols/quantities.ts";
import type { CommittedDecision } from "../../protocols/roles.ts";
import type { AskEffects } from "../../runtime/actor/effects.ts";
import { ref } from "../../runtime/actor/reference.ts";
import { localDate } from "../calendar/zone.ts";
import { compileIndex } from "../decision/compile-index.ts";
import type { Decision, Roles, Winner } from "../decision/decision.ts";
import { decide } from "../decision/kernel.ts";
import { freeNanos, reserve } from "../wallet/calls.ts";
import { bidOf } from "./bid.ts";
import { recordOf } from "./record.ts";
import { agentsOf, type ListenerSettings, partName, type Roster } from "./roster.ts";
import { coreAt, forgetDueMs, type ListenerCore, type ListenerTable } from "./state.ts";

type Fx = AskEffects<DecisionAnswer>;

/** Reservations tried for one answer; the pacing role has looked into the wallet before, so a refusal is rare. */
const RESERVATIONS_MAX = 4;
/** OpenRTB `audio.feed` of a podcast. */
const FEED_PODCAST = 3;
const NO_CATALOG: CatalogIndex = compileIndex([], 0);

/** Decides, and commits all of it at once: money, caps, the delivery actor, the record (architecture.md 4). */
export function answerRequest(
  table: ListenerTable,
  request: DecisionRequest,
  fx: Fx,
  settings: ListenerSettings,
): ListenerTable {
  const decisionId = fx.decisionId();
  const catalog = fx.snapshot<CatalogIndex>(INDEX_SNAPSHOT)?.value;
  const before = table.get("core");
  const core = coreAt(before, request, fx.nowMs);
  const decision = decideAndReserve(table, request, fx, settings.roster, {
    catalog: catalog ?? NO_CATALOG,
    core,
    decisionId,
  });
  // Before the first index arrives there is nothing to say about campaigns.
  const nbr = catalog === undefined ? 0 : decision.nbr;
  const { winner } = decision;
  const expiresAtMs = fx.nowMs + reservationMs(request.context.feed, request.slot.expiryMs);
  const versions = { catalog: catalog?.version ?? 0, config: settings.configVersion };
  fx.record(recordOf(request, { ...decision, nbr }, { decisionId, versions, nowMs: fx.nowMs }));
  fx.reply({ decisionId, bid: winner === null ? null : bidOf(winner, expiresAtMs), nbr });
  if (winner !== null) openDelivery(winner, request, decisionId, expiresAtMs, fx);
  if (request.test || request.memory === "none") return table;
  const remembered = winner === null ? core : { ...core, lastSeenMs: fx.nowMs, bids: core.bids + 1 };
  if (before === undefined) fx.setTimer("forget", forgetDueMs(remembered));
  const kept = remembered === before ? table : table.with("core", remembered);
  if (winner === null) return kept;
  const committed = { decisionId, adSet: winner.adSet, creative: winner.creative, atMs: fx.nowMs, expiresAtMs };
  return remember(kept, committed, settings.roster, fx.nowMs);
}

interface Moment {
  readonly catalog: CatalogIndex;
  readonly core: ListenerCore;
  readonly decisionId: string;
}

/** A test decision meets the same wallet and leaves it as it is. */
function decideAndReserve(
  table: ListenerTable,
  request: DecisionRequest,
  fx: Fx,
  roster: Roster,
  moment: Moment,
): Decision {
  const { catalog, core, decisionId } = moment;
  const roles = rolesFor(table, request, fx, roster, decisionId);
  const refusedCampaigns: string[] = [];
  const wallet = { key: walletKey(fx.partition) };
  for (;;) {
    const inputs = { nowMs: fx.nowMs, request, sessionStartedMs: core.sessionStartedMs, refusedCampaigns };
    const decision = decide(inputs, { catalog }, roles, decisionId);
    if (decision.winner === null) return decision;
    const { adSet, priceNanos } = decision.winner;
    const day = localDate(adSet.timezone, fx.nowMs);
    const reserved = fx.call(wallet, reserve, {
      campaign: adSet.campaignId,
      day,
      nanos: priceNanos,
      test: request.test,
    });
    if (reserved.ok) return decision;
    refusedCampaigns.push(adSet.campaignId);
    if (refusedCampaigns.length >= RESERVATIONS_MAX) return { ...decision, winner: null, nbr: 502, propensity: 1 };
  }
}

function rolesFor(table: ListenerTable, request: DecisionRequest, fx: Fx, roster: Roster, seed: string): Roles {
  const wallet = { key: walletKey(fx.partition) };
  const days = new Map<string, LocalDate>();
  const dayOf = ({ timezone }: AdSetEntry): LocalDate => {
    const day = days.get(timezone) ?? localDate(timezone, fx.nowMs);
    days.set(timezone, day);
    return day;
  };
  const { audience, frequency, separation, pacing, creative } = roster;
  const frequencyPart: unknown = table.get(partName(frequency));
  const separationPart: unknown = table.get(partName(separation));
  const creativePart: unknown = table.get(partName(creative));
  return {
    audience: (question) => fx.consult(audience, question, undefined, seed),
    frequency: (question) => fx.consult(frequency, question, frequencyPart, seed),
    separation: (question) => fx.consult(separation, question, separationPart, seed),
    pacing: (question) => fx.consult(pacing, question, undefined, seed),
    creative: (question) => fx.consult(creative, question, creativePart, seed),
    freeNanos: (adSet) =>
      fx.call(wallet, freeNanos, {
        campaign: adSet.campaignId,
        day: dayOf(adSet),
        // A look of 0 asks the budget for nothing.
        nanos: request.test ? 0 : adSet.bidCpmMicros,
      }),
  };
}

function remember(table: ListenerTable, committed: CommittedDecision, roster: Roster, nowMs: EpochMs): ListenerTable {
  let kept = table;
  for (const agent of agentsOf(roster)) {
    if (agent.onCommitted === undefined) continue;
    const name = partName(agent);
    const before: unknown = table.get(name);
    const after: unknown = agent.onCommitted(before, committed, nowMs);
    if (after !== before) kept = after === undefined ? kept.without(name) : kept.with(name, after);
  }
  return kept;
}

function openDelivery(
  winner: Winner,
  request: DecisionRequest,
  decisionId: string,
  expiresAtMs: EpochMs,
  fx: Fx,
): void {
  const { adSet, creative, priceNanos } = winner;
  fx.tell(ref(delivery, decisionId, fx.partition), "Open", {
    decisionId,
    listener: request.test || request.memory === "none" ? null : fx.key,
    campaignId: adSet.campaignId,
    adSetId: adSet.id,
    creativeId: creative.id,
    advertiserId: creative.advertiserId,
    day: localDate(adSet.timezone, fx.nowMs),
    priceNanos,
    durationMs: creative.durationMs,
    expiresAtMs,
    test: request.test,
    podcast: request.context.feed === FEED_PODCAST,
  });
}
