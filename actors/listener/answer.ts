import type { AdSetEntry, CatalogIndex } from "../../protocols/catalog-index.ts";
import { INPUTS_BYTES_MAX, sealedInputsOf } from "../../protocols/decision-record.ts";
import { servingIdOf } from "../../protocols/decision-id.ts";
import { INDEX_SNAPSHOT } from "../../protocols/messages/catalog.ts";
import { learntGenre } from "../../protocols/messages/creative-learner.ts";
import { delivery } from "../../protocols/messages/delivery.ts";
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
import { type Decision, type Roles, unpaid, type Winner, winnersOf } from "../decision/decision.ts";
import { decide } from "../decision/kernel.ts";
import { type Transcript, TranscriptTaker } from "../decision/transcript.ts";
import { freeNanos, release, reserve } from "../wallet/calls.ts";
import { bidOf } from "./bid.ts";
import { type HeardOutside, hearOutside } from "./outside.ts";
import { expiryOf, recordOf } from "./record.ts";
import { partOf, remember } from "./memory.ts";
import { armsOf, type Cast, chosen, type ListenerSettings, type Roster } from "./roster.ts";
import { coreAt, forgetDueMs, type ListenerCore, type ListenerTable } from "./state.ts";
import { forgetUnmeasured } from "./touches.ts";

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
  const { decision, transcript } = decideAndReserve(table, request, fx, settings, moment);
  // Before the first index arrives there is nothing to say about campaigns.
  const nbr = catalog === undefined ? 0 : decision.nbr;
  const ads = winnersOf(decision).map((winner, slot) => ({
    winner,
    slot,
    servingId: servingIdOf(decisionId, slot),
    expiresAtMs: expiryOf(winner, request, fx.nowMs),
  }));
  fx.record(
    recordOf(
      request,
      { ...decision, nbr },
      {
        decisionId,
        versions: {
          catalog: catalog?.version ?? 0,
          config: settings.configVersion,
          ...(settings.rates == null ? {} : { rates: settings.rates.id }),
        },
        nowMs: fx.nowMs,
        node: settings.node,
        experiments: armsOf(settings.roster, fx.key),
        inputs: fx.seal(transcript, sealedInputsOf(decisionId), INPUTS_BYTES_MAX) ?? "too large",
        waits: heard.values(),
      },
    ),
  );
  fx.reply({ decisionId, bids: ads.map(({ winner, slot, expiresAtMs }) => bidOf(winner, slot, expiresAtMs)), nbr });
  for (const ad of ads) openDelivery(ad, request, decisionId, fx);
  if (request.test || request.memory === "none") return table;
  const remembered = ads.length === 0 ? core : { ...core, lastSeenMs: fx.nowMs, bids: core.bids + ads.length };
  if (before === undefined) fx.setTimer("forget", forgetDueMs(remembered));
  const measured = forgetUnmeasured(table, request);
  let kept = remembered === before ? measured : measured.with("core", remembered);
  for (const { winner, servingId, expiresAtMs } of ads) {
    const { adSet, creative } = winner;
    const { context, capabilities } = request;
    const { profile } = capabilities;
    const committed = { decisionId: servingId, adSet, creative, context, profile, atMs: fx.nowMs, expiresAtMs };
    kept = remember(kept, committed, settings.roster, fx.key, fx.nowMs);
  }
  return kept;
}

/** An ad of the answer. */
interface Ad {
  readonly winner: Winner;
  /** Its place among them. */
  readonly slot: number;
  readonly servingId: string;
  readonly expiresAtMs: EpochMs;
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
  { roster, rates = null }: ListenerSettings,
  moment: Moment,
): { readonly decision: Decision; readonly transcript: Transcript } {
  const { catalog, core, recent, decisionId } = moment;
  const taker = new TranscriptTaker();
  const roles = rolesFor(table, request, fx, roster, moment, taker);
  const upliftMax = mayMoveBids(table, request, roster, fx.key) ? UPLIFT_MAX : 0;
  const refusedCampaigns: string[] = [];
  for (;;) {
    const { sessionStartedMs } = core;
    const inputs = { nowMs: fx.nowMs, request, sessionStartedMs, recent, upliftMax, refusedCampaigns, rates };
    taker.begins(inputs);
    const decision = decide(inputs, { catalog: catalog ?? NO_CATALOG }, roles, decisionId);
    const ended = (end: Decision, isUnpaid: boolean) => ({
      decision: end,
      transcript: taker.transcript({ catalog: catalog?.version ?? null, unpaid: isUnpaid }),
    });
    const refused = reserveAll(winnersOf(decision), request, fx);
    if (refused === null) return ended(decision, false);
    refusedCampaigns.push(refused);
    if (refusedCampaigns.length >= RESERVATIONS_MAX) return ended(unpaid(decision), true);
  }
}

/** Reserves for all ads of an answer, or for none. @returns the campaign whose wallet refused, or null. */
function reserveAll(winners: readonly Winner[], { test }: DecisionRequest, fx: Fx): string | null {
  const wallet = { key: walletKey(fx.partition) };
  const held: { readonly campaign: string; readonly day: LocalDate; readonly nanos: number }[] = [];
  for (const { adSet, sale } of winners) {
    const campaign = adSet.campaignId;
    const price = { campaign, day: localDate(adSet.timezone, fx.nowMs), nanos: sale.costNanos };
    if (fx.call(wallet, reserve, { ...price, test }).ok) {
      held.push(price);
      continue;
    }
    for (const each of test ? [] : held) fx.call(wallet, release, each);
    return campaign;
  }
  return null;
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

/** Learners hear of what they can choose, and of nothing else. */
const isLearntFrom = ({ rotation, creatives }: AdSetEntry, { test }: DecisionRequest): boolean =>
  rotation === "optimised" && creatives.length > 1 && !test;

function openDelivery(
  { winner, slot, servingId, expiresAtMs }: Ad,
  request: DecisionRequest,
  decisionId: string,
  fx: Fx,
): void {
  const { adSet, creative, sale } = winner;
  fx.tell(ref(delivery, servingId, fx.partition), "Open", {
    decisionId,
    slot,
    listener: request.test || request.memory === "none" ? null : fx.key,
    campaignId: adSet.campaignId,
    adSetId: adSet.id,
    creativeId: creative.id,
    advertiserId: creative.advertiserId,
    day: localDate(adSet.timezone, fx.nowMs),
    priceNanos: sale.costNanos,
    durationMs: creative.durationMs,
    expiresAtMs,
    test: request.test,
    podcast: request.context.feed === FEED_PODCAST,
    ...(isLearntFrom(adSet, request) ? { learntGenre: learntGenre(request.context.genres) } : {}),
    measure: request.capabilities.measure && request.memory === "listener",
  });
}
