import type { FastifyInstance } from "fastify";
import { addCatalogRoutes } from "./admin-catalog.ts";
import { addDecisionRoutes } from "./admin-decisions.ts";
import { addDeliveryRoute } from "./admin-delivery.ts";
import { addOperatorRoutes } from "./admin-operator.ts";
import type { AdminOptions } from "./admin-ports.ts";
import { bearerOf, isSameSecret } from "./bearer.ts";
import { addHealthRoutes } from "./health-routes.ts";
import { sendProblem } from "./problem.ts";
import { type HttpServer, newServer } from "./server.ts";

/** The admin edge (interfaces.md 3). */
export function createAdmin(options: AdminOptions): HttpServer {
  const { asker, limits } = options;
  const app = newServer(limits, options.hooks);
  addHealthRoutes(app, options.readiness);
  const { jsonDepthMax } = limits;
  app.register((guarded, _options, done) => {
    requireToken(guarded, options.token);
    addCatalogRoutes(guarded, { ...options, jsonDepthMax });
    addDeliveryRoute(guarded, asker);
    addDecisionRoutes(guarded, options.decisions);
    addOperatorRoutes(guarded, { ...options, jsonDepthMax });
    done();
  });
  return {
    listen: (address) => app.listen(address),
    close: async () => {
      await app.close();
    },
  };
}

function requireToken(app: FastifyInstance, token: string): void {
  app.addHook("onRequest", (request, reply, done) => {
    const bearer = bearerOf(request);
    if (bearer !== undefined && isSameSecret(bearer, token)) done();
    else sendProblem(reply, "UNAUTHORISED");
  });
}
