import type { FastifyRequest } from "fastify";
import type { BidRequest } from "../../protocols/openrtb/bid-request.ts";
import { parseBidRequest } from "../../protocols/openrtb/request.ts";
import type { RequestFault } from "../../protocols/openrtb/request-scope.ts";
import { readJson } from "./json-body.ts";

export type ReadBidRequest =
  | { readonly ok: true; readonly request: BidRequest }
  /** `test` as far as it could be read: who tests is told all that is wrong (interfaces.md 2). */
  | { readonly ok: false; readonly test: boolean; readonly errors: readonly RequestFault[] };

/** Reads the body of a request as a bid request. Never throws, whatever was sent. */
export function readBidRequest(request: FastifyRequest, depthMax: number): ReadBidRequest {
  const json = readJson(request.body, depthMax);
  if (!json.ok) return { ok: false, test: false, errors: [{ path: "", value: null, rule: json.rule }] };
  return checkBidRequest(json.value);
}

export function checkBidRequest(json: unknown): ReadBidRequest {
  const parsed = parseBidRequest(json);
  if (parsed.ok) return parsed;
  return { ok: false, test: isTest(json), errors: parsed.errors };
}

function isTest(json: unknown): boolean {
  return typeof json === "object" && json !== null && (json as { readonly test?: unknown }).test === 1;
}

/** Whether a browser says that its user objects to sale and sharing. */
export function saysGpc(request: FastifyRequest): boolean {
  return request.headers["sec-gpc"] === "1";
}
