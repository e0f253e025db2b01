import { createGunzip, gzipSync } from "node:zlib";
import type { FastifyInstance, FastifyReply, FastifyRequest, RequestPayload } from "fastify";

/** Below it the head costs more than the body saves. */
const ANSWER_BYTES_MIN = 1_024;
/** An answer is made while its caller waits, so the fastest level. */
const LEVEL = 1;

/** A coding that we do not read; the client is told with 415 (RFC 9110 section 15.5.16). */
class CodingRefused extends Error {
  readonly statusCode = 415;
}

/** Takes bodies as `Content-Encoding: gzip`, as exchanges send them. The bound of bodies counts what comes out. */
export function acceptGzip(app: FastifyInstance): void {
  app.addHook("preParsing", (request, _reply, payload, done) => {
    const coding = request.headers["content-encoding"]?.trim().toLowerCase() ?? "identity";
    if (coding === "identity" || coding === "") return done(null, payload);
    if (coding !== "gzip" && coding !== "x-gzip") return done(new CodingRefused(`content coding ${coding}`));
    done(null, gunzipped(payload));
  });
}

/** The bytes that a client's `Content-Length` speaks of are counted before they are unpacked. */
function gunzipped(payload: RequestPayload): RequestPayload {
  const unpacked = Object.assign(createGunzip(), { receivedEncodedLength: 0 });
  payload.on("data", (chunk: Buffer) => (unpacked.receivedEncodedLength += chunk.length));
  payload.on("error", (error) => unpacked.destroy(error));
  payload.pipe(unpacked);
  return unpacked;
}

/** Sends a text, packed where the client takes that and it is worth it. */
export function sendText(request: FastifyRequest, reply: FastifyReply, text: string): FastifyReply {
  reply.header("vary", "accept-encoding");
  if (text.length < ANSWER_BYTES_MIN || !takesGzip(request.headers["accept-encoding"])) return reply.send(text);
  return reply.header("content-encoding", "gzip").send(gzipSync(text, { level: LEVEL }));
}

function takesGzip(accepted: string | string[] | undefined): boolean {
  const codings = [accepted ?? []].flat().join(",").toLowerCase().split(",");
  return codings.some((coding) => /^\s*(x-)?gzip\s*(;\s*q=(?!0(\.0*)?\s*$).*)?$/.test(coding));
}
