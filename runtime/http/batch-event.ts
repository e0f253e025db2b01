import type { DocumentFault } from "../../protocols/campaign/document-fault.ts";
import { instantMs } from "../../protocols/campaign/instant.ts";
import { ID_PATTERN } from "../../protocols/ids.ts";
import type { EpochMs } from "../../protocols/quantities.ts";
import type { ReportedConversion } from "./conversion-intake.ts";

/** One element of `POST /v1/events`, read; the first rule that it breaks is named. */
export type BatchEvent =
  | { readonly kind: "refused"; readonly fault: DocumentFault }
  | {
      readonly kind: "event";
      readonly type: string;
      readonly token: string;
      readonly atMs: EpochMs;
      readonly userAgent: string | undefined;
    }
  | {
      readonly kind: "conversion";
      readonly conversion: Omit<ReportedConversion, "isBot">;
      readonly userAgent: string | undefined;
    };

const ORDER_CHARS_MAX = 256;
const USER_CHARS_MAX = 512;

/** Unknown fields are not read. @param nowMs what `at` is at most, and where it is absent. */
export function readBatchEvent(event: unknown, index: number, nowMs: EpochMs): BatchEvent {
  const refused = (path: string, value: unknown, rule: string): BatchEvent => ({
    kind: "refused",
    fault: { path: `[${index}]${path}`, value: typeof value === "object" ? null : (value ?? null), rule },
  });
  if (typeof event !== "object" || event === null) return refused("", event, "must be an object");
  const fields = event as Readonly<Record<string, unknown>>;
  const { type, token, at } = fields;
  if (typeof type !== "string") return refused(".type", type, "must be a string");
  const isConversion = type === "conversion";
  if (typeof token !== "string" && !(isConversion && isAbsent(token))) {
    // What is no token may be somebody's id in the wrong place.
    return refused(".token", null, "must be a string");
  }
  const atMs = isAbsent(at) ? nowMs : instantOf(at);
  if (atMs === null) return refused(".at", at, "must be an instant of RFC 3339");
  const moment = Math.min(atMs, nowMs);
  const userAgent = typeof fields["userAgent"] === "string" ? fields["userAgent"] : undefined;
  if (!isConversion) return { kind: "event", type, token: token as string, atMs: moment, userAgent };
  return readConversion(fields, moment, userAgent, refused);
}

function readConversion(
  { token, orderId, userId, advertiserId, valueMicros }: Readonly<Record<string, unknown>>,
  atMs: EpochMs,
  userAgent: string | undefined,
  refused: (path: string, value: unknown, rule: string) => BatchEvent,
): BatchEvent {
  // Order and user ids are not repeated in the answer, which may be logged.
  if (!isText(orderId, ORDER_CHARS_MAX))
    return refused(".orderId", null, `must be a string of 1 to ${ORDER_CHARS_MAX} characters`);
  if (!isAbsent(userId) && !isText(userId, USER_CHARS_MAX))
    return refused(".userId", null, `must be a string of 1 to ${USER_CHARS_MAX} characters`);
  if (isAbsent(token) && isAbsent(userId)) return refused(".token", null, "must be given, or userId");
  if (!isAbsent(advertiserId) && !(typeof advertiserId === "string" && ID_PATTERN.test(advertiserId)))
    return refused(".advertiserId", advertiserId, "must be an advertiser's id");
  if (!isAbsent(valueMicros) && !(Number.isSafeInteger(valueMicros) && Number(valueMicros) >= 0))
    return refused(".valueMicros", valueMicros, "must be a whole number from 0 to 9007199254740991");
  return {
    kind: "conversion",
    userAgent,
    conversion: {
      orderId,
      token: typeof token === "string" ? token : null,
      userId: typeof userId === "string" ? userId : null,
      advertiserId: typeof advertiserId === "string" ? advertiserId : null,
      valueMicros: typeof valueMicros === "number" ? valueMicros : null,
      atMs,
    },
  };
}

const isAbsent = (value: unknown): value is undefined | null => value === undefined || value === null;
const isText = (value: unknown, most: number): value is string =>
  typeof value === "string" && value.length >= 1 && value.length <= most;

function instantOf(at: unknown): EpochMs | null {
  const ms = typeof at === "string" ? instantMs(at) : null;
  return ms === null || ms < 0 ? null : ms;
}
