import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { clearingCpmMicros, lossCode } from "../../protocols/openrtb/notice-macros.ts";
import type { TokenFields, TokenKey } from "../../protocols/tracking-token.ts";
import type { Clock } from "../core/ports.ts";
import { isSignedTarget } from "./click-target.ts";
import { answerAccepted, answerEvent, markUncached } from "./event-answer.ts";
import type { EventIntake } from "./event-intake.ts";
import { parameter } from "./query.ts";

export interface EventRoutesParts {
  readonly intake: EventIntake;
  readonly clock: Clock;
  readonly keys: readonly TokenKey[];
  readonly isBot: (userAgent: string | undefined) => boolean;
}

const NOTICES = ["win", "bill", "loss"] as const;
type Notice = (typeof NOTICES)[number];
const WON = 0;
/** Exchanges that print a price with two decimals may round it up by this much of a CPM. */
const PRICE_ROUNDING_MICROS = 5_000;

/** `GET /e`: beacons of players; `GET /n/…`: notices of exchanges (interfaces.md 2). */
export function addEventRoutes(app: FastifyInstance, parts: EventRoutesParts): void {
  app.get("/e", (request, reply) => beacon(parts, request, reply));
  for (const notice of NOTICES) {
    app.get(`/n/${notice}`, (request, reply) => takeNotice(parts, notice, request, reply));
  }
}

async function beacon(parts: EventRoutesParts, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  markUncached(reply);
  const nowMs = parts.clock.nowMs();
  const token = parameter(request, "t") ?? "";
  const read = parts.intake.read(token, undefined, nowMs);
  if (typeof read === "string") return answerEvent(request, reply, "impression", read);
  if (NOTICES.some((notice) => notice === read.event)) return answerEvent(request, reply, read.event, "forged");
  const location = read.event === "click" ? clickLocation(parts.keys, token, request) : undefined;
  if (location === null) return answerEvent(request, reply, read.event, "forged");
  // Notices come from exchanges' servers, whose user agents say nothing of listeners; a beacon's is the player's.
  const isBot = parts.isBot(request.headers["user-agent"]);
  const taken = await parts.intake.take(read.fields, read.event, nowMs, isBot);
  const answered = answerEvent(request, reply, read.event, taken, location);
  if (read.event === "error" && taken === "accepted") reply.outcome = errorOutcome(parameter(request, "code"));
  return answered;
}

/** Errors are counted by the code of VAST 4.2 section 2.3.6.3; an unexpanded macro or anything else is none. */
function errorOutcome(code: string | undefined): string {
  return code !== undefined && /^[1-9]\d{2}$/.test(code) ? `error-${code}` : "accepted";
}

/** @returns undefined where the click leads nowhere, null where we did not sign where it leads. */
function clickLocation(keys: readonly TokenKey[], token: string, request: FastifyRequest): string | null | undefined {
  const target = parameter(request, "u");
  if (target === undefined) return undefined;
  if (!isSignedTarget(keys, token, target, parameter(request, "s") ?? "")) return null;
  // The URL's own spelling, because a header holds ASCII only.
  return URL.canParse(target) ? new URL(target).href : null;
}

async function takeNotice(
  parts: EventRoutesParts,
  notice: Notice,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  markUncached(reply);
  const nowMs = parts.clock.nowMs();
  const read = parts.intake.read(parameter(request, "t") ?? "", notice, nowMs);
  if (typeof read === "string") return answerEvent(request, reply, notice, read);
  if (!isBelievable(notice, read.fields, request)) {
    reply.outcome = "implausible";
    return answerAccepted(request, reply);
  }
  return answerEvent(request, reply, notice, await parts.intake.take(read.fields, notice, nowMs));
}

/**
 * A notice that an exchange sent has its macros expanded: a price above 0 and, as it is that of our own bid, not above it; a loss
 * is not "won". Any other came from a preview, a test or a stranger, and changes nothing (interfaces.md 5).
 */
function isBelievable(notice: Notice, fields: TokenFields, request: FastifyRequest): boolean {
  if (notice === "loss") return lossCode(parameter(request, "reason")) !== WON;
  const cpmMicros = clearingCpmMicros(parameter(request, "price"));
  // The price of one impression in nanos is the CPM in micros.
  const bidCpmMicros = fields.priceNanos;
  if (cpmMicros === undefined || cpmMicros > bidCpmMicros + PRICE_ROUNDING_MICROS) return false;
  return cpmMicros > 0 || bidCpmMicros === 0;
}
