import { z } from "zod";
import { decodeBounded, encode } from "./codec.ts";
import { Fault } from "./errors.ts";
import { Id } from "./ids.ts";
import type { CoarseContext, TrafficFacts } from "./messages/listener.ts";
import type { Nanos } from "./quantities.ts";
import type { Role } from "./roles.ts";
import { JSON_TEXT, MSGPACK } from "./subjects.ts";

/*
 * What is said to agents outside the process and what they may answer (D15): public, docs/outside-agents.md documents it field by field.
 * An answer comes from code that is not ours: it is bounded before it is decoded, strict, and may speak only of what it was asked.
 */

/** Roles that an agent outside can play. The others need the index, or the wallet of that moment. */
export const OUTSIDE_ROLES = [
  "quality",
  "reward",
  "frequency",
  "separation",
  "personalisation",
  "creative",
] as const satisfies readonly Role[];
export type OutsideRole = (typeof OUTSIDE_ROLES)[number];

export const isOutsideRole = (role: Role): role is OutsideRole => (OUTSIDE_ROLES as readonly Role[]).includes(role);

/** Ad sets that one question names, the best ranked; an agent that vetoes all of these has vetoed the rest. */
export const CANDIDATES_MAX = 64;
const QUESTION_BYTES_MAX = 65_536;
const ANSWER_BYTES_MAX = 65_536;
/** What a refusal says of a rule: it may quote what was answered. */
const RULE_CHARS_MAX = 200;
/** Entries of one list in an answer. */
const ENTRIES_MAX = 2_048;

export interface OutsideCreative {
  readonly creativeId: string;
  readonly durationMs: number;
  readonly categories: readonly string[];
  readonly languages: readonly string[];
}

export interface OutsideCandidate {
  readonly adSetId: string;
  readonly campaignId: string;
  readonly advertiserId: string;
  /** 0 = sponsorship to 4 = house. */
  readonly tier: number;
  /** What one impression pays, in nanos of `currency`. */
  readonly bidNanos: Nanos;
  readonly currency: string;
  /** Those that the slot takes; not empty. */
  readonly creatives: readonly OutsideCreative[];
}

/** The question. It names no listener, in no form. */
export interface OutsideQuestion {
  readonly v: 1;
  readonly role: OutsideRole;
  readonly variant: string;
  /** Milliseconds within which an answer counts. */
  readonly timeoutMs: number;
  readonly test: boolean;
  readonly context: CoarseContext;
  /** Whether the listener's past may be used (capability `profile`). */
  readonly profile: boolean;
  /** Role quality only. `recent`: requests of this caller within the last minute. */
  readonly traffic?: TrafficFacts & { readonly recent: number };
  /** Roles that speak of ads. */
  readonly candidates?: readonly OutsideCandidate[];
}

const Reason = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, "must be lower case letters, digits and hyphens, at most 32");
const Words = z.string().max(200);
const Common = { v: z.literal(1), version: z.string().max(32).optional() };
const list = <Entry extends z.ZodType>(entry: Entry) => z.array(entry).max(ENTRIES_MAX);
const Share = z.number().min(0).max(1);

const Vetoes = z.strictObject({
  ...Common,
  /** Without `creativeId` against all creatives of the ad set. */
  vetoes: list(z.strictObject({ adSetId: Id, creativeId: Id.optional(), reason: Reason, rule: Words })),
});

const ANSWERS = {
  quality: z.discriminatedUnion("verdict", [
    z.strictObject({ ...Common, verdict: z.literal("allow") }),
    z.strictObject({ ...Common, verdict: z.literal("house"), reason: Reason, rule: Words }),
    z.strictObject({ ...Common, verdict: z.literal("no-bid"), nbr: z.literal([3, 4, 5]), reason: Reason, rule: Words }),
  ]),
  reward: z.strictObject({ ...Common, nanosPerSecond: z.number().min(0).max(1_000_000_000), why: Words }),
  frequency: Vetoes,
  separation: Vetoes,
  personalisation: z.strictObject({
    ...Common,
    expectations: list(
      z.strictObject({
        adSetId: Id,
        creativeId: Id.optional(),
        pComplete: Share,
        pClick: Share,
        nanos: z.number().min(-1e12).max(1e12),
        why: Words,
      }),
    ),
  }),
  creative: z.strictObject({
    ...Common,
    chances: list(z.strictObject({ adSetId: Id, creativeId: Id, chance: Share })),
  }),
} as const satisfies Record<OutsideRole, z.ZodType>;

export type OutsideAnswer<R extends OutsideRole = OutsideRole> = z.infer<(typeof ANSWERS)[R]>;

/** What was heard of an agent: its answer, and the ad sets that it was asked about. */
export interface OutsideSaying<R extends OutsideRole = OutsideRole> {
  readonly said: OutsideAnswer<R>;
  readonly asked: readonly string[];
}

/** A question as it leaves: the candidates with the lowest rank stay behind when it would be too long. */
export function encodeQuestion(
  question: OutsideQuestion,
  encoding: "json" | "msgpack",
): { readonly question: OutsideQuestion; readonly bytes: Uint8Array; readonly contentType: string } {
  const contentType = encoding === "json" ? JSON_TEXT : MSGPACK;
  let asked = question;
  for (;;) {
    const bytes =
      encoding === "json" ? new TextEncoder().encode(JSON.stringify(asked)) : Uint8Array.from(encode(asked));
    const count = asked.candidates?.length ?? 0;
    if (bytes.byteLength <= QUESTION_BYTES_MAX || count === 0) return { question: asked, bytes, contentType };
    asked = { ...asked, candidates: asked.candidates?.slice(0, Math.floor(count / 2)) ?? [] };
  }
}

/**
 * Reads an answer. @param contentType of the answer, or of the question where the answer names none; parameters are ignored.
 * @throws Fault CODEC_LIMIT or CODEC_INVALID, naming the field, for one that is too long, malformed, or speaks of what was not asked.
 */
export function readAnswer<R extends OutsideRole>(
  role: R,
  question: OutsideQuestion,
  bytes: Uint8Array,
  contentType: string,
): OutsideAnswer<R> {
  const parsed = ANSWERS[role].safeParse(decodeAnswer(bytes, contentType));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const rule = issue?.message.slice(0, RULE_CHARS_MAX) ?? "does not fit";
    throw new Fault("CODEC_INVALID", `${issue?.path.join(".") || "the answer"}: ${rule}`);
  }
  const answer = parsed.data as OutsideAnswer<R>;
  const entries = entriesOf(answer);
  const known = new Map(question.candidates?.map((each) => [each.adSetId, each.creatives]));
  for (const { adSetId, creativeId } of entries) {
    const creatives = known.get(adSetId);
    if (creatives === undefined) throw new Fault("CODEC_INVALID", `adSetId ${adSetId}: is not in the question`);
    if (creativeId !== undefined && !creatives.some((each) => each.creativeId === creativeId))
      throw new Fault("CODEC_INVALID", `creativeId ${creativeId}: is not among those of ${adSetId} in the question`);
  }
  return answer;
}

function entriesOf(
  answer: OutsideAnswer,
): readonly { readonly adSetId: string; readonly creativeId?: string | undefined }[] {
  if ("vetoes" in answer) return answer.vetoes;
  if ("expectations" in answer) return answer.expectations;
  return "chances" in answer ? answer.chances : [];
}

function decodeAnswer(bytes: Uint8Array, contentType: string): unknown {
  if (bytes.byteLength > ANSWER_BYTES_MAX)
    throw new Fault("CODEC_LIMIT", `an answer of ${bytes.byteLength} bytes exceeds ${ANSWER_BYTES_MAX}`);
  const [mediaType = ""] = contentType.toLowerCase().split(";");
  if (mediaType.trim() === MSGPACK)
    return decodeBounded(bytes, { bytesMax: ANSWER_BYTES_MAX, depthMax: 8, nodesMax: 8 * ENTRIES_MAX });
  if (mediaType.trim() !== JSON_TEXT)
    throw new Fault("CODEC_INVALID", `Content-Type ${contentType.slice(0, 64)}: must be ${JSON_TEXT} or ${MSGPACK}`);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as unknown;
  } catch (cause) {
    throw new Fault("CODEC_INVALID", "the answer is not JSON", { cause });
  }
}
