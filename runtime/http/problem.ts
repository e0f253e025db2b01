import type { FastifyReply } from "fastify";
import type { DocumentFault } from "../../protocols/campaign/document-fault.ts";
import { Fault, type FaultCode } from "../../protocols/errors.ts";

/** What the HTTP edge refuses by itself; other codes in problem documents are those of faults (docs/errors.md). */
const PROBLEMS = {
  REQUEST_MALFORMED: { status: 400, title: "the request cannot be read" },
  DOCUMENT_REFUSED: { status: 400, title: "the document breaks rules" },
  CONTROL_REFUSED: { status: 400, title: "the verb was refused" },
  LATER_RELEASE: { status: 501, title: "the verb comes with a later release" },
  TOKEN_FORGED: { status: 400, title: "the token is not one of ours" },
  UNAUTHORISED: { status: 401, title: "a valid bearer token is required" },
  NOT_FOUND: { status: 404, title: "there is nothing here" },
  TOKEN_EXPIRED: { status: 410, title: "the token has expired" },
  VERSION_CONFLICT: { status: 412, title: "If-Match names another version" },
  BODY_TOO_LARGE: { status: 413, title: "the body is too large" },
  OVERLOADED: { status: 429, title: "the node sheds load" },
  INTERNAL: { status: 500, title: "an internal error; the node's log has it" },
  UNAVAILABLE: { status: 503, title: "what answers this is not available" },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof PROBLEMS;

const RETRY_AFTER_S = "1";
const RETRIED: ReadonlySet<number> = new Set([429, 503]);

/** Answers with a problem document of RFC 9457; 429 and 503 with `Retry-After`. */
export function sendProblem(
  reply: FastifyReply,
  code: ProblemCode,
  errors: readonly DocumentFault[] = [],
): FastifyReply {
  const { status, title } = PROBLEMS[code];
  return sendDocument(reply, status, { title, code, errors });
}

/** How a fault of an ask is answered: what passes by itself as 429 or 503, the rest as an internal error. */
const FAULT_STATUS: Partial<Record<FaultCode, number>> = {
  OVERLOADED: 429,
  MAILBOX_FULL: 429,
  ASK_EXPIRED: 503,
  NOT_OWNER: 503,
  NATS_UNAVAILABLE: 503,
  COMMIT_FAILED: 503,
  STORE_CLOSED: 503,
  MAIL_GAP: 503,
  EPOCH_LOST: 503,
  ACTOR_ABSENT: 404,
};

/** Answers a fault with its own code. @returns false when it was no fault, and nothing was answered. */
export function sendFault(reply: FastifyReply, error: unknown): boolean {
  if (!(error instanceof Fault)) return false;
  sendDocument(reply, FAULT_STATUS[error.code] ?? 500, { title: error.message, code: error.code, errors: [] });
  return true;
}

function sendDocument(
  reply: FastifyReply,
  status: number,
  document: { readonly title: string; readonly code: string; readonly errors: readonly DocumentFault[] },
): FastifyReply {
  if (RETRIED.has(status)) reply.header("retry-after", RETRY_AFTER_S);
  if (status === 401) reply.header("www-authenticate", "Bearer");
  const type = `urn:chorus:problem:${document.code.toLowerCase().replaceAll("_", "-")}`;
  return reply
    .code(status)
    .type("application/problem+json")
    .send(JSON.stringify({ type, title: document.title, status, code: document.code, errors: document.errors }));
}
