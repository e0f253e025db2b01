import { createHash } from "node:crypto";
import type { NatsConnection } from "@nats-io/transport-node";
import { Fault } from "../../protocols/errors.ts";
import { AUDIT_SUBJECT, HEADERS, STREAMS } from "../../protocols/subjects.ts";
import { type FencedSubject, openFencedSubject } from "./fenced-subject.ts";

const ATTEMPTS_MAX = 5;
const WAITING_MAX = 1_024;

/** One change by a person or a program, as it stands in `CHORUS_AUDIT`. */
export interface AuditEntry {
  /** RFC 3339. */
  readonly at: string;
  readonly who: string;
  readonly verb: string;
  readonly id?: string;
  /** Version of the catalog with that change; null where it has none. */
  readonly version: number | null;
  /** Documents created, changed, deleted and left as they were, by collection. */
  readonly counts?: Readonly<Record<string, unknown>>;
  /** The first hundred documents that are not as they were, with the version before and the fields that differ. */
  readonly changes?: readonly unknown[];
}

export interface AuditLog {
  /** Resolves once the entry is stored. @throws Fault NATS_UNAVAILABLE, or OVERLOADED when 1,024 entries wait. */
  append(entry: AuditEntry): Promise<void>;
}

/** Value of `previous` in the first entry. */
export const AUDIT_START = "0".repeat(64);

/** SHA-256 of an entry's message, which the next one carries as `previous`. */
export function auditHash(message: Uint8Array): string {
  return createHash("sha256").update(message).digest("hex");
}

/**
 * Appends admin changes to `chorus.audit`, each with the hash of the message before it. A1: the chain has no fork, also with several
 * nodes: each append expects the tail that it hashed. A2: an entry whose acknowledgement was lost is found again at the tail by its
 * number; only where another node appended in between it may stand twice.
 */
export async function openAuditLog(connection: NatsConnection): Promise<AuditLog> {
  const subject = await openFencedSubject(connection, STREAMS.audit);
  let last: Promise<void> = Promise.resolve();
  let waiting = 0;
  return {
    append(entry) {
      if (waiting >= WAITING_MAX) return Promise.reject(new Fault("OVERLOADED", `${waiting} audit entries wait`));
      waiting++;
      const stored = last.then(() => store(subject, entry)).finally(() => waiting--);
      last = stored.catch(() => undefined);
      return stored;
    },
  };
}

async function store(subject: FencedSubject, entry: AuditEntry): Promise<void> {
  // The entry's own number tells it from an equal one when an acknowledgement is lost.
  const nonce = crypto.randomUUID();
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const tail = await subject.tail(AUDIT_SUBJECT);
    if (tail !== null && tail.headers["Chorus-Entry"] === nonce) return;
    const previous = tail === null ? AUDIT_START : auditHash(tail.data);
    const message = new TextEncoder().encode(JSON.stringify({ ...entry, previous }));
    const headers = {
      [HEADERS.contentType]: "application/json",
      [HEADERS.type]: "audit-entry",
      "Chorus-Entry": nonce,
    };
    const { outcome } = await subject.append(AUDIT_SUBJECT, message, headers, tail?.sequence ?? 0);
    if (outcome === "stored") return;
  }
  throw new Fault("NATS_UNAVAILABLE", `the audit entry was not stored in ${ATTEMPTS_MAX} attempts`);
}
