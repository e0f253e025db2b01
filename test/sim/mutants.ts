import { decodeRecord, encodeRecord, type MailPosition } from "../../protocols/commit-record.ts";
import { decodeMail, encodeMail, INGRESS } from "../../protocols/envelope.ts";
import type { ToStore } from "../../runtime/core/ports.ts";
import type { WorldOptions } from "./world.ts";

/** Known-bad runtimes: each breaks one promise by what passes between the parts, and the checkers must see it. */
export const MUTANTS: Readonly<Record<string, NonNullable<WorldOptions["tampering"]>>> = {
  "replies leave before the flush": { answersBeforeFlush: true },
  "outputs leave before the log": { answersBeforeLog: true },
  "mail is not deduplicated": {
    mail: (bytes) => encodeMail({ runs: decodeMail(bytes).runs.map((run) => ({ ...run, sender: INGRESS })) }),
  },
  "the position is not part of the commit": { toStore: (message) => withPosition(message, () => null) },
  "the position does not count envelopes": {
    toStore: (message) => withPosition(message, (position) => position && { ...position, index: 0 }),
  },
  "the broker does not fence": { fenceless: true },
  "shards never refresh their reader": { neverRefreshes: true },
  "progress is told before outputs are stored": { toStore: (message) => withProgress(message) },
  "outputs are not published again after an opening": { opening: (opening) => ({ ...opening, retained: [] }) },
  "an opening forgets what was sent": { opening: (opening) => ({ ...opening, sent: [] }) },
  "an opening forgets what was received": { opening: (opening) => ({ ...opening, received: [] }) },
  "an opening forgets the time": { opening: (opening) => ({ ...opening, nowMs: 0 }) },
};

type Commit = Extract<ToStore, { type: "commit" }>;

function withPosition(message: ToStore, change: (position: MailPosition | null) => MailPosition | null): ToStore {
  if (message.type !== "commit") return message;
  const records = message.records.map((stored) => {
    const record = decodeRecord(stored.bytes);
    return { ...stored, bytes: encodeRecord({ ...record, position: change(record.position) }) };
  });
  return { ...message, records };
}

/** Everything that is committed counts as delivered. */
function withProgress(message: ToStore): ToStore {
  if (message.type !== "commit") return message;
  const progress: Commit["progress"] = message.records.map(({ partition, incarnation, commitSeq }) => ({
    partition,
    incarnation,
    shipped: commitSeq,
    published: commitSeq,
  }));
  return { ...message, progress };
}
