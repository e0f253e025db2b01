import type { CatalogDocument } from "../../actors/decision/compile-index.ts";
import { compileIndex } from "../../actors/decision/compile-index.ts";
import { budgetActor } from "../../actors/budget/actor.ts";
import { catalogActor } from "../../actors/catalog/actor.ts";
import { deliveryActor } from "../../actors/delivery/actor.ts";
import { listenerActor } from "../../actors/listener/actor.ts";
import type { Roster } from "../../actors/listener/roster.ts";
import { walletActor } from "../../actors/wallet/actor.ts";
import { decode } from "../../protocols/codec.ts";
import type { DecisionRecord } from "../../protocols/decision-record.ts";
import { CATALOG_KEY, INDEX_SNAPSHOT } from "../../protocols/messages/catalog.ts";
import type { BudgetBalance } from "../../protocols/messages/budget.ts";
import type { EventStatus } from "../../protocols/messages/delivery.ts";
import type { DecisionAnswer, DecisionRequest } from "../../protocols/messages/listener.ts";
import type { TrackedEvent } from "../../protocols/tracked-event.ts";
import { activate, type ActorKit } from "../support/testkit.ts";

/** Every actor of a node in one partition, on a virtual clock, with a publisher's documents. */
export class MonthPublisher {
  readonly kit: ActorKit;
  /** Documents of every version of the catalog, for replay. */
  readonly versions = new Map<number, readonly CatalogDocument[]>();
  #recordsRead = 0;

  constructor(nowMs: number, roster: Roster) {
    this.kit = activate(listenerActor({ roster, configVersion: "month", node: "n1" }), {
      nowMs,
      key: "nobody",
      partition: 0,
      partitions: 1,
      others: [catalogActor, budgetActor, walletActor, deliveryActor],
    });
  }

  /** Changes documents, and lets the shard serve them. @throws Error when they are refused. */
  apply(document: unknown): void {
    const to = { kind: "catalog", key: CATALOG_KEY };
    const changed = this.kit.ask("Apply", { document, dryRun: false }, to) as { outcome: string };
    if (changed.outcome !== "applied") throw new Error(`refused: ${JSON.stringify(changed)}`);
    const { version, documents } = this.kit.ask("Export", {}, to) as {
      version: number;
      documents: readonly CatalogDocument[];
    };
    this.versions.set(version, documents);
    this.kit.snapshots.put(INDEX_SNAPSHOT, version, compileIndex(documents, version));
  }

  decide(
    listener: string,
    request: DecisionRequest,
  ): { readonly answer: DecisionAnswer; readonly record: DecisionRecord } {
    const answer = this.kit.ask("Decide", request, { key: listener }) as DecisionAnswer;
    const record = this.#newRows().find(
      (row): row is DecisionRecord =>
        (row as DecisionRecord).t === "decision" && (row as DecisionRecord).decisionId === answer.decisionId,
    );
    if (record === undefined) throw new Error(`no record of ${answer.decisionId}`);
    return { answer, record };
  }

  /** @returns "absent" for a delivery that is forgotten. */
  report(decisionId: string, event: TrackedEvent): EventStatus | "absent" {
    const to = { kind: "delivery", key: decisionId };
    try {
      return this.kit.ask("Event", { event, atMs: this.kit.clock.now }, to) as EventStatus;
    } catch (error) {
      if ((error as { readonly code?: string }).code === "ACTOR_ABSENT") return "absent";
      throw error;
    }
  }

  balance(campaign: string): BudgetBalance {
    return this.kit.ask("Balance", {}, { kind: "budget", key: campaign }) as BudgetBalance;
  }

  #newRows(): unknown[] {
    const fresh = this.kit.records.slice(this.#recordsRead);
    this.#recordsRead = this.kit.records.length;
    return fresh.flatMap((record) => record.decisions.map((row) => decode(row)));
  }
}
