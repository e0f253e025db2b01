import type { Partition } from "./ids.ts";

/** Every subject, stream and bucket name: public API for operators (interfaces.md 6). Built from ids only, never from raw strings. */
export const STREAMS = {
  mail: "CHORUS_P",
  log: "CHORUS_LOG",
  decisions: "CHORUS_DECISIONS",
  topics: "CHORUS_TOPICS",
  deadLetters: "CHORUS_DLQ",
  audit: "CHORUS_AUDIT",
  catalog: "CHORUS_CATALOG",
} as const;

export const BUCKETS = {
  campaigns: "CHORUS_CAMPAIGNS",
  leases: "CHORUS_LEASES",
  checkpoints: "CHORUS_CHECKPOINTS",
} as const;

export const mailSubject = (partition: Partition): string => `chorus.p.${partition}.in`;
export const logSubject = (partition: Partition): string => `chorus.p.${partition}.log`;
export const decisionsSubject = (partition: Partition): string => `chorus.decisions.${partition}`;
export const ALL_DECISIONS = "chorus.decisions.*";
export const deadLettersSubject = (partition: Partition): string => `chorus.dlq.${partition}`;
export const topicSubject = (topic: string): string => `chorus.topics.${topic}`;
/** Where an agent outside hears its questions (D15). */
export const agentSubject = (role: string, variant: string): string => `chorus.agent.${role}.${variant}`;
export const catalogChangeSubject = (version: number): string => `chorus.catalog.change.${version}`;
export const catalogCopySubject = (version: number | "*", part: number): string =>
  `chorus.catalog.copy.${version}.${part}`;
export const AUDIT_SUBJECT = "chorus.audit";
export const eventSubject = (node: string, kind: string, event: string): string =>
  `chorus.events.${node}.${kind}.${event}`;

/** Headers of every message: what it is, and for fenced subjects who wrote it and how far it reaches (D5). */
export const HEADERS = {
  contentType: "Content-Type",
  type: "Chorus-Type",
  count: "Chorus-Count",
  epoch: "Chorus-Epoch",
  first: "Chorus-First",
  last: "Chorus-Last",
} as const;

export const MSGPACK = "application/msgpack";
export const JSON_TEXT = "application/json";
