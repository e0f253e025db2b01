import type { FastifyReply } from "fastify";
import { type Decided, type Decider, NBR_TECHNICAL } from "./decider.ts";
import type { DecidedAds } from "./served-ad.ts";

/**
 * Sets the headers of a decision and writes its ads. Should writing fail, the decision is withdrawn and becomes a no-bid: the money
 * of an ad that nobody gets must not stay reserved. The same when the answer does not reach the client's socket (D5).
 * @returns what `write` made, or undefined for no bid.
 */
export function writeDecided(
  reply: FastifyReply,
  decider: Decider,
  decided: Decided,
  write: (ads: DecidedAds) => string,
  onError: (error: unknown) => void,
): string | undefined {
  if (decided.decisionId !== null) reply.header("x-chorus-decision", decided.decisionId);
  if (decided.outcome === "no-bid") {
    setReason(reply, decided.nbr);
    return undefined;
  }
  try {
    const written = write(decided);
    reply.outcome = "bid";
    withdrawIfUndelivered(reply, decider, decided);
    return written;
  } catch (error) {
    onError(error);
    decider.withdraw(decided);
    setReason(reply, NBR_TECHNICAL);
    return undefined;
  }
}

function setReason(reply: FastifyReply, nbr: number): void {
  reply.outcome = `nbr-${nbr}`;
  reply.header("x-chorus-nbr", String(nbr));
}

function withdrawIfUndelivered(reply: FastifyReply, decider: Decider, ads: DecidedAds): void {
  const { raw } = reply;
  if (raw.destroyed) {
    decider.withdraw(ads);
    return;
  }
  raw.once("close", () => {
    if (!raw.writableFinished) decider.withdraw(ads);
  });
}
