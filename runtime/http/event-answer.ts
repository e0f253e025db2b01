import type { FastifyReply, FastifyRequest } from "fastify";
import type { TrackedEvent } from "../../protocols/tracked-event.ts";
import { settles, type Taken } from "./event-intake.ts";
import { sendProblem } from "./problem.ts";

/** A transparent GIF of one pixel, for players that fetch tracking URLs as images. */
const PIXEL = Buffer.from("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", "base64");

/** Answers a beacon or a notice. @param location where a click goes on to. */
export function answerEvent(
  request: FastifyRequest,
  reply: FastifyReply,
  event: TrackedEvent,
  taken: Taken,
  location?: string,
): FastifyReply {
  reply.outcome = taken;
  const gone = (taken === "late" || taken === "orphan") && settles(event);
  if (taken === "expired" || gone) return sendProblem(reply, "TOKEN_EXPIRED");
  if (taken === "forged") return sendProblem(reply, "TOKEN_FORGED");
  if (taken === "overloaded") return sendProblem(reply, "OVERLOADED");
  if (taken === "unavailable") return sendProblem(reply, "UNAVAILABLE");
  if (location !== undefined) return reply.code(302).header("location", location).send();
  return answerAccepted(request, reply);
}

/** 204, or the pixel where an image is what the client would rather have. */
export function answerAccepted(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (!/^\s*image\//i.test(request.headers.accept ?? "")) return reply.code(204).send();
  return reply.code(200).type("image/gif").send(PIXEL);
}

/** Beacons are fetched by scripts of any page, and no answer of theirs may come from a cache. */
export function markUncached(reply: FastifyReply): void {
  reply.header("cache-control", "no-store").header("access-control-allow-origin", "*");
}
