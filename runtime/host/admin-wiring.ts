import type { Logger } from "pino";
import type { Settings } from "../../config/schema.ts";
import { Fault, toWireFault } from "../../protocols/errors.ts";
import { pseudonymKey, pseudonymSecret } from "../../protocols/pseudonym.ts";
import type { AdminOptions, ChangeRecord } from "../http/admin-ports.ts";
import type { Asker } from "../http/asker.ts";
import { isSameSecret } from "../http/bearer.ts";
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
const ADMIN = "admin";

/** Hands the admin edge what it needs of this node. */
export function adminOptions(parts: AdminParts): AdminOptions {
  const { folder, runtime, operators, metrics, log } = parts;
  const secret = pseudonymSecret(folder.keys.pseudonym);
  return {
    asker: askingOnly(runtime),
    holderOf: (bearer) => (isSameSecret(bearer, folder.keys.adminToken) ? ADMIN : null),
    recordChange: (change) => audited(change, operators.audit, log),
    awaitServed: async (version) => {
      const lacking = await runtime.feed.awaitServed(version);
      return { served: lacking.length === 0, lacking };
    },
    servedVersions: () =>
      Object.fromEntries(runtime.feed.servedVersions.map((version, shard) => [`shard-${shard}`, version])),
    decisions: operators.decisions,
    whyNot: (campaignId, times) => operators.whyNot.of(campaignId, times),
    metrics: () => metrics.text(),
    inspect: (path) => operators.service.inspect(path.split("/")),
    control: (verb, body, who) => operators.service.control(verb, body, who),
    pseudonym: async (source, id, who) => {
      await operators.audit.append({ at: new Date().toISOString(), who, verb: "pseudonym", version: null });
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

/** The change was made and cannot be taken back: where the audit log does not take it, the node's log says so. */
async function audited(change: ChangeRecord, audit: AuditLog, log: Logger): Promise<void> {
  const entry = { at: new Date().toISOString(), ...change };
  try {
    await audit.append(entry);
  } catch (error) {
    log.error({ event: "audit-failed", entry, error: toWireFault(error) }, "a change is not in the audit log");
  }
}

/** Asks actors only: the admin API hands nothing to mail. */
function askingOnly({ asker }: NodeRuntime): Asker {
  return {
    partitions: asker.partitions,
    ask: (to, type, payload, timeoutMs, onLate) => asker.ask(to, type, payload, timeoutMs, onLate),
    tell: (to, type, payload) => void asker.ask(to, type, payload, TELL_TIMEOUT_MS).catch(() => undefined),
    publishIngress: () => Promise.reject(new Fault("EFFECT_REFUSED", "the admin API hands nothing to mail")),
  };
}
