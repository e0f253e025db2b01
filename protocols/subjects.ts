import type { Partition } from "./ids.ts";

/** Every subject, stream and bucket name: public API for operators (interfaces.md 6). Built from ids only, never from raw strings. */
export const STREAMS = {
  mail: "CHORUS_P",
  log: "CHORUS_LOG",
  decisions: "CHORUS_DECISIONS",
  topics: "CHORUS_TOPICS",
  deadLetters: "CHORUS_DLQ",
  audit: "CHORUS_AUDIT",
} as const;

export const BUCKETS = {
  campaigns: "CHORUS_CAMPAIGNS",
  leases: "CHORUS_LEASES",
  checkpoints: "CHORUS_CHECKPOINTS",
} as const;

export const mailSubject = (partition: Partition): string => `chorus.p.${partition}.in`;
export const logSubject = (partition: Partition): string => `chorus.p.${partition}.log`;
export const decisionsSubject = (partition: Partition): string => `chorus.decisions.${partition}`;
export const deadLettersSubject = (partition: Partition): string => `chorus.dlq.${partition}`;
export const topicSubject = (topic: string): string => `chorus.topics.${topic}`;
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
