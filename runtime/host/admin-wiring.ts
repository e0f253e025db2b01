import type { Logger } from "pino";
import type { Settings } from "../../config/schema.ts";
import { Fault, toWireFault } from "../../protocols/errors.ts";
import { type Changed, catalog } from "../../protocols/messages/catalog.ts";
import { pseudonymKey, pseudonymSecret } from "../../protocols/pseudonym.ts";
import type { AdminOptions } from "../http/admin-ports.ts";
import type { Asker } from "../http/asker.ts";
import { ADMIN_LIMITS } from "../http/limits.ts";
import type { AuditLog } from "../nats/audit-log.ts";
import type { DataFolder } from "./data-folder.ts";
import type { NodeMetrics } from "./metrics.ts";
import type { NodeRuntime } from "./node-runtime.ts";
import type { OperatorSide } from "./operator-side.ts";

export interface AdminParts {
  readonly settings: Settings;
  readonly folder: DataFolder;
  readonly runtime: NodeRuntime;
  readonly operators: OperatorSide;
  readonly metrics: NodeMetrics;
  readonly log: Logger;
}

const TELL_TIMEOUT_MS = 2_000;
/** Everyone who holds the admin token is one person to the audit log. */
const WHO = "admin";

/** Hands the admin edge what it needs of this node. */
export function adminOptions(parts: AdminParts): AdminOptions {
  const { folder, runtime, operators, metrics, log } = parts;
  const secret = pseudonymSecret(folder.keys.pseudonym);
  return {
    asker: auditedAsker(runtime, operators.audit, log),
    token: folder.keys.adminToken,
    awaitServed: async (version) => {
      const lacking = await runtime.feed.awaitServed(version);
      return { served: lacking.length === 0, lacking };
    },
    servedVersions: () =>
      Object.fromEntries(runtime.feed.servedVersions.map((version, shard) => [`shard-${shard}`, version])),
    decisions: operators.decisions,
    metrics: () => metrics.text(),
    inspect: (path) => operators.service.inspect(path.split("/")),
    control: (verb, body) => operators.service.control(verb, body, WHO),
    pseudonym: async (source, id) => {
      await operators.audit.append({ at: new Date().toISOString(), who: WHO, verb: "pseudonym", version: null });
      return pseudonymKey(secret, source, id);
    },
    readiness: () => {
      const reason = runtime.unready;
      return reason === null ? { ready: true } : { ready: false, reason };
    },
    limits: ADMIN_LIMITS,
    hooks: {
      onRequest: ({ route, durationMs }) => metrics.adminRequest(route, durationMs),
      onError: (error) => log.error({ event: "admin-error", error: toWireFault(error) }, "admin error"),
    },
  };
}

/** Asks actors; a change of the catalog that was made is in the audit log before its answer leaves. */
function auditedAsker(runtime: NodeRuntime, audit: AuditLog, log: Logger): Asker {
  const { asker } = runtime;
  return {
    partitions: asker.partitions,
    tell: (to, type, payload) => void asker.ask(to, type, payload, TELL_TIMEOUT_MS).catch(() => undefined),
    publishIngress: () => Promise.reject(new Fault("EFFECT_REFUSED", "the admin API hands nothing to mail")),
    async ask(to, type, payload, timeoutMs, onLate) {
      const answer = await asker.ask(to, type, payload, timeoutMs, onLate);
      const { collection, id, dryRun } = payload as { collection?: string; id?: string; dryRun?: boolean };
      if (to.kind === catalog.name && dryRun !== true && isApplied(answer)) {
        const subject = { ...(collection === undefined ? {} : { collection }), ...(id === undefined ? {} : { id }) };
        const entry = {
          at: new Date().toISOString(),
          who: WHO,
          verb: type.toLowerCase(),
          ...subject,
          version: answer.version,
        };
        await audit
          .append(entry)
          .catch((error: unknown) =>
            log.error({ event: "audit-failed", entry, error: toWireFault(error) }, "a change is not in the audit log"),
          );
      }
      return answer;
    },
  };
}

function isApplied(answer: unknown): answer is Extract<Changed, { outcome: "applied" }> {
  const changed = answer as Partial<Extract<Changed, { outcome: "applied" }>> | null;
  return changed !== null && typeof changed === "object" && changed.outcome === "applied" && (changed.changed ?? 0) > 0;
}
