import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Clock } from "../core/ports.ts";
import { checkBidRequest, type ReadBidRequest, readBidRequest, saysGpc } from "./bid-request-body.ts";
import { sendText } from "./compression.ts";
import type { Decider } from "./decider.ts";
import { writeDecided } from "./decided-answer.ts";
import { markUncached } from "./event-answer.ts";
import { sendProblem } from "./problem.ts";
import { adMarkup, noAdMarkup, type TrackingUrls } from "./served-ad.ts";
import { bidRequestOfQuery } from "./vast-query.ts";

export interface VastRoutesParts {
  readonly decider: Decider;
  readonly clock: Clock;
  readonly urls: () => TrackingUrls;
  readonly randomKey: () => string;
  readonly jsonDepthMax: number;
  readonly onError: (error: unknown) => void;
}

/** `GET /vast` with the parameters of docs/http.md, `POST /vast` with a bid request: the ads themselves, or an empty document. */
export function addVastRoutes(app: FastifyInstance, parts: VastRoutesParts): void {
  app.get("/vast", (request, reply) =>
    serve(parts, checkBidRequest(bidRequestOfQuery(request, parts.randomKey())), request, reply),
  );
  app.post("/vast", (request, reply) => serve(parts, readBidRequest(request, parts.jsonDepthMax), request, reply));
  // Players in web pages ask first whether they may post.
  app.options("/vast", (_request, reply) => {
    markUncached(reply);
    return reply
      .code(204)
      .header("access-control-allow-methods", "GET, POST")
      .header("access-control-allow-headers", "content-type")
      .send();
  });
}

async function serve(
  parts: VastRoutesParts,
  read: ReadBidRequest,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  markUncached(reply);
  const urls = parts.urls();
  const noAd = (decisionId: string | null, test: boolean): string =>
    noAdMarkup(urls, decisionId, test, parts.clock.nowMs());
  if (!read.ok) {
    reply.outcome = "malformed";
    if (read.test) return sendProblem(reply, "REQUEST_MALFORMED", read.errors);
    return sendXml(request, reply.code(400), noAd(null, false));
  }
  const decided = await parts.decider.decide(read.request, saysGpc(request));
  reply.header("access-control-expose-headers", "x-chorus-decision, x-chorus-nbr");
  const markup = writeDecided(reply, parts.decider, decided, (ads) => adMarkup(urls, ads), parts.onError);
  return sendXml(request, reply, markup ?? noAd(decided.decisionId, read.request.test));
}

function sendXml(request: FastifyRequest, reply: FastifyReply, xml: string): FastifyReply {
  return sendText(request, reply.type("application/xml; charset=utf-8"), xml);
}
