import { gate, type PrivacyPolicy, privacySignals } from "../../actors/privacy/gate.ts";
import { coarseFacts } from "../../actors/privacy/coarse-facts.ts";
import { listenerIdentity } from "../../actors/privacy/listener-identity.ts";
import { decisionIdOf } from "../../protocols/decision-id.ts";
import { Fault, type FaultCode } from "../../protocols/errors.ts";
import type { ActorId } from "../../protocols/ids.ts";
import { budget } from "../../protocols/messages/budget.ts";
import { catalog } from "../../protocols/messages/catalog.ts";
import { conversion } from "../../protocols/messages/conversion.ts";
import { delivery } from "../../protocols/messages/delivery.ts";
import {
  type DecidedBid,
  type DecisionAnswer,
  type DecisionRequest,
  listener,
} from "../../protocols/messages/listener.ts";
import { orphan } from "../../protocols/messages/orphan.ts";
import type { MessageSpec } from "../../protocols/protocol.ts";
import { pseudonymSecret } from "../../protocols/pseudonym.ts";
import { tokenKey } from "../../protocols/tracking-token.ts";
import type { Asker } from "../../runtime/http/asker.ts";
import { DECISION_TIMES } from "../../runtime/http/decider.ts";
import { SERVING_LIMITS } from "../../runtime/http/limits.ts";
import type { PrivacyGate } from "../../runtime/http/privacy-gate.ts";
import type { HttpServer, ListenAddress, Observation } from "../../runtime/http/server.ts";
import { createServing, type ServingOptions } from "../../runtime/http/serving.ts";
import { ManualClock } from "./manual-clock.ts";

const PROTOCOLS = [listener, delivery, budget, catalog, conversion, orphan];

export interface Sent {
  readonly to: ActorId;
  readonly type: string;
  readonly payload: unknown;
}

/** Actors as a test wants them: it says what they answer, and sees what they were asked. Every payload is checked by its schema. */
export class FakeAsker implements Asker {
  readonly partitions = 16;
  readonly asked: Sent[] = [];
  readonly told: Sent[] = [];
  readonly published: Sent[] = [];
  /** What an ask of `kind.type` gives: a value, a fault, or a function of the question; the last `onLate` is kept. */
  readonly answers = new Map<string, (sent: Sent) => unknown>();
  ingress: () => boolean | Fault = () => true;
  onLate: ((reply: unknown) => void) | undefined;

  on(question: string, answer: (sent: Sent) => unknown): void {
    this.answers.set(question, answer);
  }

  async ask(
    to: ActorId,
    type: string,
    payload: unknown,
    _timeoutMs: number,
    onLate?: (reply: unknown) => void,
  ): Promise<unknown> {
    const sent = { to, type, payload: checked(to, type, payload) };
    this.asked.push(sent);
    this.onLate = onLate;
    const answer = this.answers.get(`${to.kind}.${type}`)?.(sent);
    if (answer === undefined) throw fault("ACTOR_ABSENT");
    return answer;
  }

  tell(to: ActorId, type: string, payload: unknown): void {
    this.told.push({ to, type, payload: checked(to, type, payload) });
  }

  async publishIngress(to: ActorId, type: string, payload: unknown): Promise<boolean> {
    this.published.push({ to, type, payload: checked(to, type, payload) });
    const outcome = this.ingress();
    if (outcome instanceof Fault) throw outcome;
    return outcome;
  }
}

function checked(to: ActorId, type: string, payload: unknown): unknown {
  const spec = PROTOCOLS.find(({ name }) => name === to.kind)?.messages as Record<string, MessageSpec>;
  const found = spec[type];
  if (found === undefined) throw new Error(`${to.kind} has no message ${type}`);
  return found.schema.parse(payload);
}

/** A fault as a shard answers it. */
export function fault(code: FaultCode): Fault {
  return new Fault(code, `as the test wants it: ${code}`);
}

const POLICY: PrivacyPolicy = { unknownCountry: "restrict" };

/** The real gate, wired as the host does. */
const REAL_GATE: PrivacyGate = {
  traffic: () => ({ client: "app", datacenter: false }),
  isBot: (userAgent) => userAgent?.startsWith("Googlebot") === true,
  capabilities: (request, secGpc) => gate(privacySignals(request, secGpc), POLICY),
  facts: coarseFacts,
  identity: listenerIdentity,
};

export const KEYS = [tokenKey(1, Buffer.alloc(32, 1)), tokenKey(0, Buffer.alloc(32, 7))] as const;
export const MINUTE_MS = 60_000;
const PUBLIC_URL = "https://ads.example";

export const AD: DecidedBid = {
  impId: "slot",
  slot: 0,
  campaignId: "spring",
  adSetId: "spring-de",
  creative: {
    creativeId: "spring-30",
    advertiserId: "nordlicht",
    advertiserName: "Nordlicht Bikes",
    advertiserDomain: "nordlicht.example",
    durationMs: 30_000,
    adId: "NRD-0001",
    clickUrl: "https://nordlicht.example/frühling?a=1&b=2",
    mediaFiles: [{ url: "https://cdn.example/spring-30.mp3", mimeType: "audio/mpeg", bitrateKbps: 128 }],
    categories: ["IAB17-3"],
    attributes: [],
    languages: ["de"],
  },
  cpmMicros: 12_000_000,
  priceNanos: 12_000_000,
  currency: "USD",
  expiresAtMs: 0,
};

/** A bid request of a listener who may be known by id. */
export function bidRequest(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: "request-1",
    imp: [{ id: "slot", audio: { mimes: ["audio/mpeg"], minduration: 5, maxduration: 30, feed: 1 } }],
    app: { id: "player", content: { genre: "Rock, Indie" } },
    device: { ip: "203.0.113.77", ifa: "6D92078A-8246-4BA4-AE5B-76104861E7DC", geo: { country: "DEU", utcoffset: 60 } },
    user: { id: "listener-raw-id" },
    regs: { gdpr: 0 },
    ...changes,
  };
}

export interface EdgeRig {
  readonly url: string;
  readonly asker: FakeAsker;
  readonly clock: ManualClock;
  readonly observed: Observation[];
  readonly errors: unknown[];
  readonly server: HttpServer;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
}

/** A serving edge on a free port, before actors that the test plays. Bids unless told otherwise. */
export async function startServing(
  changes: Partial<ServingOptions> = {},
  address: Partial<ListenAddress> = {},
): Promise<EdgeRig> {
  const asker = new FakeAsker();
  const clock = new ManualClock();
  const observed: Observation[] = [];
  const errors: unknown[] = [];
  asker.on("listener.Decide", ({ to, payload }) =>
    bidAnswer(to, clock.nowMs(), (payload as DecisionRequest).slots[0]?.impId),
  );
  asker.on("delivery.Event", () => "accepted");
  let random = 0;
  const server = createServing({
    asker,
    gate: REAL_GATE,
    clock,
    randomKey: () => String((random += 1)).padStart(22, "0"),
    pseudonymSecret: pseudonymSecret(Buffer.alloc(32, 3)),
    tokenKeys: KEYS,
    publicUrl: PUBLIC_URL,
    seat: null,
    readiness: () => ({ ready: true }),
    shedding: () => false,
    senderOf: (bearer) => (bearer === "sender-token" ? "radio" : null),
    limits: SERVING_LIMITS,
    times: DECISION_TIMES,
    ownerTimeoutMs: 250,
    inFlightMax: 1_000,
    hooks: { onRequest: (one) => observed.push(one), onError: (error) => errors.push(error) },
    ...changes,
  });
  const url = await server.listen({ host: "127.0.0.1", port: 0, ...address });
  return { ...clientOf(url), url, asker, clock, observed, errors, server };
}

/** What a test sends; redirects stay answers. */
function clientOf(url: string) {
  return {
    post: (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
      fetch(`${url}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: typeof body === "string" ? body : body instanceof Uint8Array ? Buffer.from(body) : JSON.stringify(body),
      }),
    get: (path: string, headers: Record<string, string> = {}): Promise<Response> =>
      fetch(`${url}${path}`, { headers, redirect: "manual" }),
  };
}

/** A decision to bid, as the listener at `to` answers it. */
export function bidAnswer(to: ActorId, nowMs: number, impId = "slot"): DecisionAnswer {
  const decisionId = decisionIdOf({ nowMs, partition: to.partition, epoch: 1, commitSeq: 2, index: 3 });
  return { decisionId, bids: [{ ...AD, impId, expiresAtMs: nowMs + 20 * MINUTE_MS }], nbr: null };
}
