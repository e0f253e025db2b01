import type { ExplainView } from "../../protocols/decision-record.ts";
import type { EpochMs } from "../../protocols/quantities.ts";
import type { Asker } from "./asker.ts";
import type { Readiness } from "./health-routes.ts";
import type { ServerLimits } from "./limits.ts";
import type { ServerHooks } from "./server.ts";

/** Which shards serve a version of the catalog. */
export interface Served {
  readonly served: boolean;
  /** Who does not yet, by name. */
  readonly lacking: readonly string[];
}

export interface DecisionQuery {
  readonly campaign: string | undefined;
  readonly sinceMs: EpochMs | undefined;
  readonly limit: number;
}

/** The decision log, as far as operators read it. */
export interface DecisionLog {
  /** null: no such decision, or no longer. @throws Fault NATS_UNAVAILABLE. */
  find(decisionId: string): Promise<ExplainView | null>;
  /** The newest first. @throws Fault NATS_UNAVAILABLE. */
  list(query: DecisionQuery): Promise<readonly unknown[]>;
}

/** What became of a verb: its answer, or why it was refused, with a status as in HTTP. */
export type ControlAnswer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly status: number; readonly reason: string };

export interface AdminOptions {
  readonly asker: Asker;
  /** The bearer token that everything but health wants. */
  readonly token: string;
  /** Waits until every shard serves the version, at most 2 s (D17). */
  readonly awaitServed: (version: number) => Promise<Served>;
  /** The catalog's version that each shard serves. */
  readonly servedVersions: () => Readonly<Record<string, number>>;
  readonly decisions: DecisionLog;
  /** All metrics in Prometheus' text format. */
  readonly metrics: () => Promise<string>;
  /** `actor/listener/KEY` and the like, the words of `chorus.inspect.…`; undefined: there is no such thing. */
  readonly inspect: (path: string) => Promise<unknown>;
  /** A verb of `chorus.control.…`. */
  readonly control: (verb: string, body: unknown) => Promise<ControlAnswer>;
  /** The actor key of a raw id (privacy.md, "Pseudonyms"); audited by whoever makes it. */
  readonly pseudonym: (source: string, id: string) => Promise<string>;
  readonly readiness: () => Readiness;
  readonly limits: ServerLimits;
  readonly hooks: ServerHooks;
}

/** How long the admin API waits for an actor. */
export const ASK_TIMEOUT_MS = 5_000;
