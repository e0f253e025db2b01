import { NO_ATTEMPT_LOG } from "../../../runtime/core/attempt.ts";
import { HandlerWatch } from "../../../runtime/core/handler-watch.ts";
import { randomBytes } from "node:crypto";
import { compileIndex, type CatalogDocument } from "../../../actors/decision/compile-index.ts";
import { localDate } from "../../../actors/calendar/zone.ts";
import { encode } from "../../../protocols/codec.ts";
import { fromWireFault } from "../../../protocols/errors.ts";
import { asPartition } from "../../../protocols/ids.ts";
import { INDEX_SNAPSHOT } from "../../../protocols/messages/catalog.ts";
import type { DecisionAnswer, DecisionRequest } from "../../../protocols/messages/listener.ts";
import { wallet, walletKey } from "../../../protocols/messages/wallet.ts";
import { openIndex, packIndex } from "../../../protocols/packed-index.ts";
import { CircuitBreaker } from "../../../runtime/core/circuit.ts";
import { PartitionCore } from "../../../runtime/core/partition-core.ts";
import type { Clock } from "../../../runtime/core/ports.ts";
import { SnapshotTable } from "../../../runtime/core/snapshot-table.ts";
import { createSealer } from "../../../runtime/host/sealer.ts";
import { roster } from "../../../runtime/host/roster.ts";
import { loadSettings } from "../../../config/loader.ts";
import { campaignDocuments } from "../campaigns.ts";

const PARTITION = asPartition(0);
const KEY_BYTES = 32;
const GRANT_MICROS = 100_000_000_000;
const TIMERS_A_GROUP = 1_000;
const TIMEZONE = "Etc/UTC";

/** Everything that a decision costs a shard, without threads, store and bus: the listener's actor in its partition, up to the commit record. */
export class DecisionPartition {
  readonly #core: PartitionCore;
  #nowMs = Date.now();

  constructor(campaigns: number, capPerDay: number) {
    const documents = campaignDocuments({ campaigns, capPerDay }).flatMap(documentsOf);
    const snapshots = new SnapshotTable();
    // As shards read it: packed, in shared memory.
    snapshots.put(INDEX_SNAPSHOT, 1, openIndex(packIndex(compileIndex(documents, 1))));
    const settings = loadSettings({ environment: {}, overrides: {} });
    const clock: Clock = { nowMs: () => this.#nowMs, monotonicMs: () => this.#nowMs };
    const environment = {
      partitions: 1,
      registry: roster(settings, { configVersion: "bench", node: "bench" }),
      reader: {
        read: () => undefined,
        parts: () => [],
        keys: () => [],
        timers: () => [],
        refresh: () => undefined,
      },
      sealer: createSealer(randomBytes(KEY_BYTES)),
      recordBytesMax: settings.commit.recordBytesMax,
      clock,
      circuits: new CircuitBreaker(clock, snapshots),
      snapshots,
      emit: () => undefined,
      attempts: NO_ATTEMPT_LOG,
      watch: new HandlerWatch(clock),
    };
    const opening = {
      partition: PARTITION,
      incarnation: 1,
      generation: 1,
      epoch: 0,
      commitSeq: 0,
      position: null,
      received: [],
      sent: [],
      shipped: 0,
      published: 0,
      nowMs: this.#nowMs,
      retained: [],
    };
    this.#core = new PartitionCore(environment, opening, 1);
    this.#core.intake.bindStream("bench");
    this.#grant(campaigns);
  }

  /** Decides one request and closes its group: the answer is as it would leave the shard, the record as it would reach the store. */
  decide(listener: string, request: DecisionRequest): DecisionAnswer {
    const outcome = this.#core.ask({ kind: "listener", key: listener, type: "Decide", payload: request });
    this.#core.close(0);
    if ("fault" in outcome) throw fromWireFault(outcome.fault);
    if ("questions" in outcome) throw new Error("no role of this bench is played outside");
    return outcome.answer as DecisionAnswer;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Lets time pass: reservations that end meanwhile are given back, and what a store would have folded is let go. */
  pass(ms: number): void {
    this.#nowMs += ms;
    while (this.#core.fireTimers(TIMERS_A_GROUP) > 0) this.#core.close(0);
    this.#core.folded(this.#core.commitSeq);
  }

  #grant(campaigns: number): void {
    const day = localDate(TIMEZONE, this.#nowMs);
    for (let index = 0; index < campaigns; index++) {
      const payload = { campaign: `campaign-${index}`, day, grantedMicros: GRANT_MICROS, number: 1 };
      const envelope = [wallet.name, walletKey(PARTITION), "Grant", payload];
      const mail = encode([1, [["ingress", PARTITION, 0, [envelope]]]]);
      this.#core.intake.queue.push(this.#core.intake.queue.newestSequence + 1, mail);
      this.#core.intake.apply(1);
      this.#core.close(0);
    }
  }
}

/** A document of interfaces.md 4 as the catalog keeps it. */
function documentsOf(document: object): CatalogDocument[] {
  const collections = { advertisers: "advertisers", campaigns: "campaigns", adSets: "ad-sets", creatives: "creatives" };
  return Object.entries(collections).flatMap(
    ([field, collection]) =>
      (document as Readonly<Record<string, readonly { readonly id: string }[]>>)[field]?.map(
        (one) => ({ collection, id: one.id, document: one }) as CatalogDocument,
      ) ?? [],
  );
}
