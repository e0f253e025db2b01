import type { Server } from "node:http";
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { ServerLimits } from "./limits.ts";
import { sendFault, sendProblem } from "./problem.ts";

export interface ListenAddress {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Several gateways of a node share one port. */
  readonly reusePort?: boolean;
}

export interface HttpServer {
  /** @returns where it listens, as `http://127.0.0.1:8080`. Rejects with the system's error, as EADDRINUSE. */
  listen(address: ListenAddress): Promise<string>;
  /** Stops accepting, lets requests under way finish, and resolves then. */
  close(): Promise<void>;
}

/** One request as metrics see it. */
export interface Observation {
  /** The route's pattern; "none" where there is no such route. */
  readonly route: string;
  readonly status: number;
  readonly durationMs: number;
  /** What became of it beyond the status: `nbr-508`, `duplicate`, `orphan`; else empty. */
  readonly outcome: string;
}

export interface ServerHooks {
  readonly onRequest: (observation: Observation) => void;
  /** An error that no caller should have been able to cause: for the log. */
  readonly onError: (error: unknown) => void;
}

declare module "fastify" {
  interface FastifyReply {
    /** `Observation.outcome`. */
    outcome: string;
  }
}

const CONNECTIONS_CHECK_MS = 500;
const IDLE_SWEEP_MS = 25;
/** What a request may take after closing has begun; the longest decision takes a second, and a stop ten (interfaces.md 1). */
const BUSY_MAX_MS = 2_000;

/**
 * A Fastify instance as both servers use it: bodies stay bytes whatever their content type, errors are problem documents, all is
 * bounded, and every request is observed.
 */
export function newServer(limits: ServerLimits, hooks: ServerHooks): FastifyInstance {
  const app = Fastify({
    bodyLimit: limits.bodyBytesMax,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    // What still comes over open connections while closing is answered as ever, and its connection closed after.
    return503OnClosing: false,
    // A HEAD of a beacon is a look, not an impression.
    exposeHeadRoutes: false,
    http: { headersTimeout: limits.headersTimeoutMs, connectionsCheckingInterval: CONNECTIONS_CHECK_MS },
    frameworkErrors: (_error, _request, reply) => void sendProblem(reply, "REQUEST_MALFORMED"),
  });
  app.server.maxConnections = limits.connectionsMax;
  app.addHook("preClose", (done) => {
    endConnections(app.server);
    done();
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.decorateReply("outcome", "");
  app.addHook("onResponse", (request, reply, done) => {
    const route = request.routeOptions.url ?? "none";
    hooks.onRequest({ route, status: reply.statusCode, durationMs: reply.elapsedTime, outcome: reply.outcome });
    done();
  });
  app.setNotFoundHandler((_request, reply) => void sendProblem(reply, "NOT_FOUND"));
  app.setErrorHandler(errorAnswer(hooks));
  return app;
}

/**
 * Ends what is left of connections while the server closes. Node closes those that are idle when closing begins, and from then on
 * enforces no timeout: one that was busy just then would stay open for as long as its client likes.
 */
function endConnections(server: Server): void {
  if (!server.listening) return;
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS);
  const busy = setTimeout(() => server.closeAllConnections(), BUSY_MAX_MS);
  server.once("close", () => {
    clearInterval(idle);
    clearTimeout(busy);
  });
}

/** Answers what a handler threw; a client's own error keeps its kind and is no news for the log. */
function errorAnswer(hooks: ServerHooks) {
  return (error: unknown, _request: FastifyRequest, reply: FastifyReply): void => {
    const status = clientStatus(error);
    if (status !== undefined) {
      sendProblem(reply, status === 413 ? "BODY_TOO_LARGE" : "REQUEST_MALFORMED");
      return;
    }
    if (sendFault(reply, error) && reply.statusCode !== 500) return;
    hooks.onError(error);
    if (!reply.sent) sendProblem(reply, "INTERNAL");
  };
}

/** The 4xx that Fastify found in what the client sent, or undefined when it is not the client's error. */
export function clientStatus(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  const { statusCode } = error as Partial<FastifyError>;
  return statusCode !== undefined && statusCode >= 400 && statusCode < 500 ? statusCode : undefined;
}
