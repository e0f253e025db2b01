import { randomBytes, timingSafeEqual } from "node:crypto";
import { coarseFacts } from "../../actors/privacy/coarse-facts.ts";
import { gate, privacySignals, type PrivacyPolicy } from "../../actors/privacy/gate.ts";
import { listenerIdentity } from "../../actors/privacy/listener-identity.ts";
import { encodeMail, INGRESS } from "../../protocols/envelope.ts";
import { Fault } from "../../protocols/errors.ts";
import { pseudonymSecret } from "../../protocols/pseudonym.ts";
import { HEADERS, mailSubject, MSGPACK } from "../../protocols/subjects.ts";
import { tokenKey } from "../../protocols/tracking-token.ts";
import type { Clock } from "../core/ports.ts";
import type { Asker } from "../http/asker.ts";
import { SERVING_LIMITS } from "../http/limits.ts";
import type { PrivacyGate } from "../http/privacy-gate.ts";
import type { HttpServer } from "../http/server.ts";
import { createServing } from "../http/serving.ts";
import { connectPublisher } from "../nats/publisher-connection.ts";
import type { Publisher } from "../nats/publisher.ts";
import type { FromGateway, GatewayTask, ToGateway } from "../threads/gateway-thread-messages.ts";
import { natsOptions } from "./nats-options.ts";
import { PortAsker } from "./port-asker.ts";
import { RequestTallies } from "./request-tallies.ts";
import { ClientClasses, trafficFacts } from "./traffic.ts";

const REPORT_MS = 1_000;
const TELL_TIMEOUT_MS = 2_000;
const IN_FLIGHT_MAX = 4_096;
const TOKEN_KEY_ID = 1;
const KEY_BYTES = 16;
const KEYS_AT_ONCE = 512;

/**
 * A gateway: a thread that speaks HTTP and asks shards over ports, as a pinned Piscina task. Raw ids, addresses and consent strings end
 * here (D18). It is no sender: what must survive is asked, or handed to the partition's mail (D4).
 */
export default async function runGateway(task: GatewayTask): Promise<void> {
  const tell = (message: FromGateway): void => task.control.postMessage(message);
  const ports = new PortAsker(task.partitions, (partition) => partition % task.shards, task.clockOffsetMs);
  const { publisher, close: disconnect } = await connectPublisher(
    natsOptions(task.nats, `chorus-gateway-${task.gateway}`),
  );
  const tallies = new RequestTallies();
  let unready: string | null = "starting";
  const serving = createServing({
    asker: askerOver(ports, publisher),
    gate: privacyGate(task),
    clock: clockWith(task.clockOffsetMs),
    randomKey: randomKeys(),
    pseudonymSecret: pseudonymSecret(task.pseudonymKey),
    tokenKeys: [tokenKey(TOKEN_KEY_ID, task.tokenKey)],
    publicUrl: task.publicUrl,
    seat: task.seat,
    readiness: () => (unready === null ? { ready: true } : { ready: false, reason: unready }),
    shedding: () => false,
    senderOf: senderOf(task.senders),
    limits: { ...SERVING_LIMITS, bodyBytesMax: task.bodyBytesMax },
    times: { defaultMs: task.bidTimeoutMs, longestMs: 1_000, shortestMs: 10, networkMs: task.networkAllowanceMs },
    ownerTimeoutMs: task.beaconTimeoutMs,
    inFlightMax: IN_FLIGHT_MAX,
    hooks: {
      onRequest: (observation) => tallies.observe(observation),
      onError: (error) =>
        tell({
          type: "error",
          message: messageOf(error),
          stack: error instanceof Error ? (error.stack ?? null) : null,
        }),
    },
  });
  const report = setInterval(
    () => tell({ type: "tallies", tallies: tallies.take(), asksWaiting: ports.waiting }),
    REPORT_MS,
  );
  const closing = Promise.withResolvers<undefined>();
  task.control.on("message", (message: ToGateway) => {
    switch (message.type) {
      case "attach":
        return ports.attach(message.shard, message.port);
      case "readiness":
        unready = message.unready;
        return;
      case "close":
        return closing.resolve(undefined);
    }
  });
  try {
    if (await listen(serving, task, tell)) await closing.promise;
  } finally {
    await serving.close();
    clearInterval(report);
    await disconnect();
    ports.close();
    task.control.close();
  }
}

async function listen(serving: HttpServer, task: GatewayTask, tell: (message: FromGateway) => void): Promise<boolean> {
  try {
    tell({
      type: "listening",
      url: await serving.listen({ host: task.host, port: task.port, reusePort: task.reusePort }),
    });
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "UNKNOWN";
    tell({ type: "listen-failed", code, message: messageOf(error) });
    return false;
  }
}

function askerOver(ports: PortAsker, publisher: Publisher): Asker {
  return {
    partitions: ports.partitions,
    ask: (to, type, payload, timeoutMs, onLate) => ports.ask(to, type, payload, timeoutMs, onLate),
    tell: (to, type, payload) => void ports.ask(to, type, payload, TELL_TIMEOUT_MS).catch(() => undefined),
    async publishIngress(to, type, payload) {
      const envelope = { kind: to.kind, key: to.key, type, payload };
      const bytes = encodeMail({
        runs: [{ sender: INGRESS, receiver: to.partition, first: 0, envelopes: [envelope] }],
      });
      const headers = { [HEADERS.contentType]: MSGPACK, [HEADERS.type]: "mail", [HEADERS.count]: "1" };
      const result = await publisher.publish(mailSubject(to.partition), bytes, headers);
      if (result.outcome === "stored") return true;
      throw new Fault("NATS_UNAVAILABLE", `the bus did not store the envelope: ${result.reason}`);
    },
  };
}

function privacyGate(task: Pick<GatewayTask, "gvlVendorId" | "unknownCountry" | "datacenterNets">): PrivacyGate {
  const { gvlVendorId, unknownCountry } = task;
  const classes = new ClientClasses();
  const traffic = trafficFacts(task.datacenterNets, classes);
  const rules: PrivacyPolicy = gvlVendorId === null ? { unknownCountry } : { unknownCountry, gvlVendorId };
  return {
    capabilities: (request, secGpc) => gate(privacySignals(request, secGpc), rules),
    facts: (request, feed, capabilities, nowMs) => coarseFacts(request, feed, capabilities, nowMs),
    traffic: ({ device }) => traffic(device),
    isBot: (userAgent) => classes.of(userAgent) === "bot",
    identity: (request, capabilities, once) => listenerIdentity(request, capabilities, once),
  };
}

/** Keys of 128 random bits, drawn in bulk. */
function randomKeys(): () => string {
  let pool = randomBytes(KEY_BYTES * KEYS_AT_ONCE);
  let used = 0;
  return () => {
    if (used === pool.byteLength) {
      pool = randomBytes(KEY_BYTES * KEYS_AT_ONCE);
      used = 0;
    }
    used += KEY_BYTES;
    return pool.toString("base64url", used - KEY_BYTES, used);
  };
}

/** Compares against every sender, so that the time tells nothing about who exists. */
function senderOf(senders: Readonly<Record<string, string>>): (bearer: string) => string | null {
  return (bearer) => {
    let found: string | null = null;
    const given = Buffer.from(bearer);
    for (const [name, token] of Object.entries(senders)) {
      const expected = Buffer.from(token);
      if (given.byteLength === expected.byteLength && timingSafeEqual(given, expected)) found = name;
    }
    return found;
  };
}

function clockWith(offsetMs: number): Clock {
  return { nowMs: () => Date.now() + offsetMs, monotonicMs: () => performance.now() };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
