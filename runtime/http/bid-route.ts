import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { sendText } from "./compression.ts";
import { readBidRequest, saysGpc } from "./bid-request-body.ts";
import type { Decider } from "./decider.ts";
import { writeDecided } from "./decided-answer.ts";
import { sendProblem } from "./problem.ts";
import { bidAnswer, type TrackingUrls } from "./served-ad.ts";
import { clientStatus } from "./server.ts";

export interface BidRouteParts {
  readonly decider: Decider;
  readonly urls: () => TrackingUrls;
  readonly jsonDepthMax: number;
  readonly onError: (error: unknown) => void;
}

/** `POST /openrtb2/2.6/bid`: 200, 204 or 400 (decisioning.md 3); never 5xx for what a client sent. */
export function addBidRoute(app: FastifyInstance, parts: BidRouteParts): void {
  const errorHandler = (error: unknown, _request: FastifyRequest, reply: FastifyReply): void => {
    const status = clientStatus(error);
    if (status === undefined) parts.onError(error);
    // Exchanges take a body for a bid, so a refusal has none.
    void reply.code(status ?? 500).send();
  };
  app.post("/openrtb2/2.6/bid", { errorHandler }, (request, reply) => bid(parts, request, reply));
}

async function bid(parts: BidRouteParts, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const read = readBidRequest(request, parts.jsonDepthMax);
  if (!read.ok) {
    reply.outcome = "malformed";
    return read.test ? sendProblem(reply, "REQUEST_MALFORMED", read.errors) : reply.code(400).send();
  }
  const decided = await parts.decider.decide(read.request, saysGpc(request));
  const answer = writeDecided(
    reply,
    parts.decider,
    decided,
    (ads) => JSON.stringify(bidAnswer(parts.urls(), read.request.id, ads)),
    parts.onError,
  );
  if (answer === undefined) return reply.code(204).send();
  return sendText(request, reply.code(200).type("application/json"), answer);
}
