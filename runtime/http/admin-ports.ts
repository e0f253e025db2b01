import type { ChangeCounts, DocumentChange } from "../../protocols/messages/catalog.ts";
import type { DecisionSummary, ExplainView, ReplayView } from "../../protocols/explanation.ts";
import type { EpochMs } from "../../protocols/quantities.ts";
import type { WhyNotView } from "../../protocols/why-not.ts";
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
  /** Decisions that this campaign won, or was among the recorded candidates of. */
  readonly campaign: string | undefined;
  readonly outcome: "bid" | "no-bid" | undefined;
  readonly sinceMs: EpochMs | undefined;
  readonly untilMs: EpochMs | undefined;
  /** The page after the one that named this place. */
  readonly after: ListPlace | undefined;
  readonly limit: number;
}

/** A place between two rows of the decision log. */
export interface ListPlace {
  readonly sequence: number;
  readonly row: number;
}

/** The decision log, as far as operators read it. All throw Fault NATS_UNAVAILABLE. */
export interface DecisionLog {
  /** null: no such decision, or no longer. */
  find(decisionId: string): Promise<ExplainView | null>;
  /** Makes the decision again; null as above. */
  replay(decisionId: string): Promise<ReplayView | null>;
  /** The newest first, and where to go on. */
  list(query: DecisionQuery): Promise<{
    readonly decisions: readonly DecisionSummary[];
    readonly next: ListPlace | null;
  }>;
}

/** What became of a verb: its answer, or why it was refused, with a status as in HTTP. */
export type ControlAnswer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly status: number; readonly reason: string };

/** A change of campaign documents that was made, for the audit log. */
export interface ChangeRecord {
  /** As `holderOf` names them. */
  readonly who: string;
  readonly verb: "apply" | "put" | "patch" | "delete";
  /** Of the catalog with that change. */
  readonly version: number;
  readonly counts: Readonly<Record<string, ChangeCounts>>;
  readonly changes: readonly DocumentChange[];
}

export interface AdminOptions {
  readonly asker: Asker;
  /** Who holds a bearer token, which everything but health wants; null: nobody. */
  readonly holderOf: (bearer: string) => string | null;
  /** Writes a change to the audit log; never rejects, because the change was made. */
  readonly recordChange: (change: ChangeRecord) => Promise<void>;
  /** Waits until every shard serves the version, at most 2 s (D17). */
  readonly awaitServed: (version: number) => Promise<Served>;
  /** The catalog's version that each shard serves. */
  readonly servedVersions: () => Readonly<Record<string, number>>;
  readonly decisions: DecisionLog;
  /** What became of a campaign, by day; null: no such campaign. Throws Fault OVERLOADED, ASK_EXPIRED, NATS_UNAVAILABLE. */
  readonly whyNot: (
    campaignId: string,
    times: { readonly sinceMs: EpochMs | undefined; readonly untilMs: EpochMs | undefined },
  ) => Promise<WhyNotView | null>;
  /** All metrics in Prometheus' text format. */
  readonly metrics: () => Promise<string>;
  /** `actor/listener/KEY` and the like, the words of `chorus.inspect.…`; undefined: there is no such thing. */
  readonly inspect: (path: string) => Promise<unknown>;
  /** A verb of `chorus.control.…`. */
  readonly control: (verb: string, body: unknown, who: string) => Promise<ControlAnswer>;
  /** The actor key of a raw id (privacy.md, "Pseudonyms"); audited by whoever makes it. */
  readonly pseudonym: (source: string, id: string, who: string) => Promise<string>;
  readonly readiness: () => Readiness;
  readonly limits: ServerLimits;
  readonly hooks: ServerHooks;
}

/** How long the admin API waits for an actor. */
export const ASK_TIMEOUT_MS = 5_000;
