import type { AdSetEntry, CatalogIndex } from "../../protocols/catalog-index.ts";
import { INPUTS_BYTES_MAX, sealedInputsOf } from "../../protocols/decision-record.ts";
import { INDEX_SNAPSHOT } from "../../protocols/messages/catalog.ts";
import { delivery, reservationMs } from "../../protocols/messages/delivery.ts";
import type { DecisionAnswer, DecisionRequest } from "../../protocols/messages/listener.ts";
import { walletKey } from "../../protocols/messages/wallet.ts";
import type { EpochMs, LocalDate } from "../../protocols/quantities.ts";
import type { Role } from "../../protocols/roles.ts";
import type { Verdict } from "../../runtime/actor/agent.ts";
import type { AskEffects } from "../../runtime/actor/effects.ts";
import { ref } from "../../runtime/actor/reference.ts";
import { localDate } from "../calendar/zone.ts";
import { compileIndex } from "../decision/compile-index.ts";
import { UPLIFT_MAX } from "../decision/contender.ts";
import { type Decision, type Roles, unpaid, type Winner } from "../decision/decision.ts";
import { decide } from "../decision/kernel.ts";
import { type Transcript, TranscriptTaker } from "../decision/transcript.ts";
import { freeNanos, reserve } from "../wallet/calls.ts";
import { bidOf } from "./bid.ts";
import { type HeardOutside, hearOutside } from "./outside.ts";
import { recordOf } from "./record.ts";
import { partOf, remember } from "./memory.ts";
import { armsOf, type Cast, chosen, type ListenerSettings, type Roster } from "./roster.ts";
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
  const catalog = fx.snapshot<CatalogIndex>(INDEX_SNAPSHOT)?.value;
  const before = table.get("core");
  const core = coreAt(before, request, fx.nowMs);
  const recent = request.memory === "none" ? 0 : core.burst.requests;
  const heard = hearOutside(request, recent, catalog ?? NO_CATALOG, settings.roster, fx);
  if (heard === null) return table;
  const decisionId = fx.decisionId();
  const moment = { catalog, core, recent, decisionId, heard };
  const { decision, transcript } = decideAndReserve(table, request, fx, settings.roster, moment);
  // Before the first index arrives there is nothing to say about campaigns.
  const nbr = catalog === undefined ? 0 : decision.nbr;
  const { winner } = decision;
  const expiresAtMs = fx.nowMs + reservationMs(request.context.feed, request.slot.expiryMs);
  fx.record(
    recordOf(
      request,
      { ...decision, nbr },
      {
        decisionId,
        versions: { catalog: catalog?.version ?? 0, config: settings.configVersion },
        nowMs: fx.nowMs,
        node: settings.node,
        experiments: armsOf(settings.roster, fx.key),
        reservedUntil: winner === null ? null : expiresAtMs,
        inputs: fx.seal(transcript, sealedInputsOf(decisionId), INPUTS_BYTES_MAX) ?? "too large",
        waits: heard.values(),
      },
    ),
  );
  fx.reply({ decisionId, bid: winner === null ? null : bidOf(winner, expiresAtMs), nbr });
  if (winner !== null) openDelivery(winner, request, decisionId, expiresAtMs, fx);
  if (request.test || request.memory === "none") return table;
  const remembered = winner === null ? core : { ...core, lastSeenMs: fx.nowMs, bids: core.bids + 1 };
  if (before === undefined) fx.setTimer("forget", forgetDueMs(remembered));
  const kept = remembered === before ? table : table.with("core", remembered);
  if (winner === null) return kept;
  const { adSet, creative } = winner;
  const { context, capabilities } = request;
  const committed = {
    decisionId,
    adSet,
    creative,
    context,
    profile: capabilities.profile,
    atMs: fx.nowMs,
    expiresAtMs,
  };
  return remember(kept, committed, settings.roster, fx.key, fx.nowMs);
}

interface Moment {
  /** Undefined before the shard has its first. */
  readonly catalog: CatalogIndex | undefined;
  readonly core: ListenerCore;
  /** Requests of this caller within the last minute, this one included; 0 where nothing is remembered. */
  readonly recent: number;
  readonly decisionId: string;
  readonly heard: HeardOutside;
}

/** A test decision meets the same wallet and leaves it as it is. */
function decideAndReserve(
  table: ListenerTable,
  request: DecisionRequest,
  fx: Fx,
  roster: Roster,
  moment: Moment,
): { readonly decision: Decision; readonly transcript: Transcript } {
  const { catalog, core, recent, decisionId } = moment;
  const taker = new TranscriptTaker();
  const roles = rolesFor(table, request, fx, roster, moment, taker);
  const upliftMax = mayMoveBids(table, request, roster, fx.key) ? UPLIFT_MAX : 0;
  const refusedCampaigns: string[] = [];
  const wallet = { key: walletKey(fx.partition) };
  for (;;) {
    const { sessionStartedMs } = core;
    const inputs = { nowMs: fx.nowMs, request, sessionStartedMs, recent, upliftMax, refusedCampaigns };
    taker.begins(inputs);
    const decision = decide(inputs, { catalog: catalog ?? NO_CATALOG }, roles, decisionId);
    const ended = (end: Decision, isUnpaid: boolean) => ({
      decision: end,
      transcript: taker.transcript({ catalog: catalog?.version ?? null, unpaid: isUnpaid }),
    });
    if (decision.winner === null) return ended(decision, false);
    const { adSet, sale } = decision.winner;
    const day = localDate(adSet.timezone, fx.nowMs);
    const reserved = fx.call(wallet, reserve, {
      campaign: adSet.campaignId,
      day,
      nanos: sale.priceCpmMicros,
      test: request.test,
    });
    if (reserved.ok) return ended(decision, false);
    refusedCampaigns.push(adSet.campaignId);
    if (refusedCampaigns.length >= RESERVATIONS_MAX) return ended(unpaid(decision), true);
  }
}

/** Whether personalisation can have anything to say: one that keeps a part says nothing without it, or without consent. */
function mayMoveBids(
  table: ListenerTable,
  { capabilities }: DecisionRequest,
  { personalisation }: Roster,
  key: string,
): boolean {
  const { agent } = chosen(personalisation, key);
  if (agent.part === undefined) return true;
  return capabilities.profile && partOf(table, agent, personalisation) !== undefined;
}

function rolesFor(
  table: ListenerTable,
  request: DecisionRequest,
  fx: Fx,
  roster: Roster,
  { decisionId, heard }: Moment,
  taker: TranscriptTaker,
): Roles {
  const wallet = { key: walletKey(fx.partition) };
  const days = new Map<string, LocalDate>();
  const dayOf = ({ timezone }: AdSetEntry): LocalDate => {
    const day = days.get(timezone) ?? localDate(timezone, fx.nowMs);
    days.set(timezone, day);
    return day;
  };
  const role = <Request, Answer>(name: Role, cast: Cast<Request, Answer>) => {
    const { agent } = chosen(cast, fx.key);
    const part = partOf(table, agent, cast);
    const outside = heard.get(agent);
    taker.plays(name, agent, part, outside);
    return (question: Request): Verdict<Answer> =>
      taker.answered(fx.consult(agent, question, part, decisionId, outside));
  };
  return {
    quality: role("quality", roster.quality),
    audience: role("audience", roster.audience),
    reward: role("reward", roster.reward),
    frequency: role("frequency", roster.frequency),
    separation: role("separation", roster.separation),
    pacing: role("pacing", roster.pacing),
    throttle: role("throttle", roster.throttle),
    personalisation: role("personalisation", roster.personalisation),
    creative: role("creative", roster.creative),
    freeNanos: (adSet) => {
      const campaign = adSet.campaignId;
      // A look of 0 asks the budget for nothing.
      const nanos = request.test ? 0 : adSet.bidCpmMicros;
      return taker.looked(adSet, fx.call(wallet, freeNanos, { campaign, day: dayOf(adSet), nanos }));
    },
  };
}

function openDelivery(
  winner: Winner,
  request: DecisionRequest,
  decisionId: string,
  expiresAtMs: EpochMs,
  fx: Fx,
): void {
  const { adSet, creative, sale } = winner;
  fx.tell(ref(delivery, decisionId, fx.partition), "Open", {
    decisionId,
    listener: request.test || request.memory === "none" ? null : fx.key,
    campaignId: adSet.campaignId,
    adSetId: adSet.id,
    creativeId: creative.id,
    advertiserId: creative.advertiserId,
    day: localDate(adSet.timezone, fx.nowMs),
    priceNanos: sale.priceCpmMicros,
    durationMs: creative.durationMs,
    expiresAtMs,
    test: request.test,
    podcast: request.context.feed === FEED_PODCAST,
  });
}
