import type { FastifyInstance } from "fastify";
import { addCatalogRoutes } from "./admin-catalog.ts";
import { addDecisionRoutes } from "./admin-decisions.ts";
import { addDeliveryRoute } from "./admin-delivery.ts";
import { addOperatorRoutes } from "./admin-operator.ts";
import type { AdminOptions } from "./admin-ports.ts";
import { addWhyNotRoute } from "./admin-why-not.ts";
import { bearerOf } from "./bearer.ts";
import { addHealthRoutes } from "./health-routes.ts";
import { sendProblem } from "./problem.ts";
import { type HttpServer, newServer } from "./server.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Who holds the token of an admin request, for the audit log. */
    who: string;
  }
}

/** The admin edge (interfaces.md 3). */
export function createAdmin(options: AdminOptions): HttpServer {
  const { asker, limits } = options;
  const app = newServer(limits, options.hooks);
  addHealthRoutes(app, options.readiness);
  const { jsonDepthMax } = limits;
  app.register((guarded, _options, done) => {
    requireToken(guarded, options.holderOf);
    addCatalogRoutes(guarded, { ...options, jsonDepthMax });
    addDeliveryRoute(guarded, asker);
    addDecisionRoutes(guarded, options.decisions);
    addWhyNotRoute(guarded, options.whyNot);
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

function requireToken(app: FastifyInstance, holderOf: AdminOptions["holderOf"]): void {
  app.decorateRequest("who", "");
  app.addHook("onRequest", (request, reply, done) => {
    const bearer = bearerOf(request);
    const who = bearer === undefined ? null : holderOf(bearer);
    if (who === null) return void sendProblem(reply, "UNAUTHORISED");
    request.who = who;
    done();
  });
}
