import type { FastifyInstance } from "fastify";

export interface Readiness {
  readonly ready: boolean;
  /** Why not. */
  readonly reason?: string | undefined;
}

/** `/healthz`: the process answers; `/readyz`: it serves, or why it does not. Neither needs a token. */
export function addHealthRoutes(app: FastifyInstance, readiness: () => Readiness): void {
  app.get("/healthz", { exposeHeadRoute: true }, (_request, reply) =>
    reply.type("application/json").send(JSON.stringify({ status: "ok" })),
  );
  app.get("/readyz", { exposeHeadRoute: true }, (_request, reply) => {
    const { ready, reason } = readiness();
    const body = ready ? { status: "ready" } : { status: "unready", reason: reason ?? "starting" };
    return reply
      .code(ready ? 200 : 503)
      .type("application/json")
      .send(JSON.stringify(body));
  });
}
