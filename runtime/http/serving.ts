import type { KeyObject } from "node:crypto";
import type { DurationMs } from "../../protocols/quantities.ts";
import type { TokenKey } from "../../protocols/tracking-token.ts";
import type { Clock } from "../core/ports.ts";
import { createAdmission } from "./admission.ts";
import type { Asker } from "./asker.ts";
import { addBatchRoute } from "./batch-route.ts";
import { addBidRoute } from "./bid-route.ts";
import { acceptGzip } from "./compression.ts";
import { Decider, type DecisionTimes } from "./decider.ts";
import { ConversionIntake } from "./conversion-intake.ts";
import { EventIntake } from "./event-intake.ts";
import { addEventRoutes } from "./event-routes.ts";
import { addHealthRoutes, type Readiness } from "./health-routes.ts";
import type { ServerLimits } from "./limits.ts";
import type { PrivacyGate } from "./privacy-gate.ts";
import { type HttpServer, newServer, type ServerHooks } from "./server.ts";
import { addVastRoutes } from "./vast-routes.ts";

export interface ServingOptions {
  readonly asker: Asker;
  readonly gate: PrivacyGate;
  readonly clock: Clock;
  /** 128 random bits as 22 characters of base64url. */
  readonly randomKey: () => string;
  readonly pseudonymSecret: KeyObject;
  /** Live keys of tracking tokens; the first signs. */
  readonly tokenKeys: readonly [TokenKey, ...TokenKey[]];
  /** Where players and exchanges reach us, without a slash at the end; null: at the address it listens at. */
  readonly publicUrl: string | null;
  /** Our buyer seat, as exchanges know it. */
  readonly seat: string | null;
  readonly readiness: () => Readiness;
  /** Whether the node is under pressure (interfaces.md 2). */
  readonly shedding: () => boolean;
  readonly senderOf: (bearer: string) => string | null;
  readonly limits: ServerLimits;
  readonly times: DecisionTimes;
  readonly ownerTimeoutMs: DurationMs;
  /** Asks under way at once; above it the gateway sheds. */
  readonly inFlightMax: number;
  readonly hooks: ServerHooks;
}

/** The serving edge of one gateway (interfaces.md 2): OpenRTB, VAST, beacons, notices, batches and health. */
export function createServing(options: ServingOptions): HttpServer {
  const { asker, clock, tokenKeys, hooks, limits, randomKey } = options;
  const admission = createAdmission(options.inFlightMax, options.shedding);
  const onError = hooks.onError;
  const decider = new Decider({
    asker,
    gate: options.gate,
    clock,
    admission,
    pseudonymSecret: options.pseudonymSecret,
    randomKey,
    seat: options.seat,
    times: options.times,
    onError,
  });
  const intake = new EventIntake({
    asker,
    admission,
    keys: tokenKeys,
    ownerTimeoutMs: options.ownerTimeoutMs,
    onError,
  });
  const conversions = new ConversionIntake({
    asker,
    admission,
    keys: tokenKeys,
    pseudonymSecret: options.pseudonymSecret,
    ownerTimeoutMs: options.ownerTimeoutMs,
    onError,
  });
  const isBot = (userAgent: string | undefined): boolean => options.gate.isBot(userAgent);
  let publicUrl = options.publicUrl ?? "";
  const urls = () => ({ publicUrl, key: tokenKeys[0] });
  const { jsonDepthMax } = limits;
  const app = newServer(limits, hooks);
  acceptGzip(app);
  addBidRoute(app, { decider, urls, jsonDepthMax, onError });
  addVastRoutes(app, { decider, clock, urls, randomKey, jsonDepthMax, onError });
  addEventRoutes(app, { intake, clock, keys: tokenKeys, isBot });
  addBatchRoute(app, { intake, conversions, isBot, clock, senderOf: options.senderOf, jsonDepthMax });
  addHealthRoutes(app, options.readiness);
  return {
    async listen(address) {
      const url = await app.listen(address);
      publicUrl = options.publicUrl ?? url;
      return url;
    },
    close: async () => {
      await app.close();
    },
  };
}
