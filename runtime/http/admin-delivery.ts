import type { FastifyInstance } from "fastify";
import { instantText } from "../../protocols/campaign/instant.ts";
import { ID_PATTERN, partitionOf } from "../../protocols/ids.ts";
import { budget, type BudgetBalance, DELIVERY_FIGURES } from "../../protocols/messages/budget.ts";
import { catalog, CATALOG_KEY } from "../../protocols/messages/catalog.ts";
import { ASK_TIMEOUT_MS } from "./admin-ports.ts";
import { askActor, type Asker } from "./asker.ts";
import { sendProblem } from "./problem.ts";

/** `GET /v1/campaigns/ID/delivery`: what a campaign spent and delivered (interfaces.md 3). */
export function addDeliveryRoute(app: FastifyInstance, asker: Asker): void {
  const at = (key: string) => ({ key, partition: partitionOf(key, asker.partitions) });
  app.get("/v1/campaigns/:id/delivery", async (request, reply) => {
    const { id } = request.params as { readonly id: string };
    if (!ID_PATTERN.test(id)) return sendProblem(reply, "NOT_FOUND");
    const collection = "campaigns";
    const [entry, balance] = await Promise.all([
      askActor(asker, catalog, at(CATALOG_KEY), "Get", { collection, id }, ASK_TIMEOUT_MS),
      askActor(asker, budget, at(id), "Balance", {}, ASK_TIMEOUT_MS),
    ]);
    // A deleted campaign keeps its figures.
    if (entry === null && balance.asOfMs === 0) return sendProblem(reply, "NOT_FOUND");
    return reply.type("application/json").send(JSON.stringify(figuresOf(balance)));
  });
}

function figuresOf({ spentMicros, reservedMicros, grantedMicros, counts, asOfMs }: BudgetBalance) {
  const figures = Object.fromEntries(DELIVERY_FIGURES.map((figure) => [figure, counts[figure] ?? 0]));
  return { spentMicros, reservedMicros, grantedMicros, ...figures, asOf: asOfMs === 0 ? null : instantText(asOfMs) };
}
