import { decodeRecord, encodeRecord, type MailPosition } from "../../protocols/commit-record.ts";
import { decodeMail, encodeMail, INGRESS } from "../../protocols/envelope.ts";
import type { ToStore } from "../../runtime/core/ports.ts";
import { NO_FAULTS, type Faults } from "./faults.ts";
import type { WorldOptions } from "./world.ts";

export interface Mutant {
  readonly tampering: NonNullable<WorldOptions["tampering"]>;
  /** Default: the seed's own. */
  readonly faults?: Faults;
  /** What the checkers say of it. */
  readonly caughtBy: RegExp;
}

/** Known-bad runtimes: each breaks one promise by what passes between the parts, and the checkers must see it. */
export const MUTANTS: Readonly<Record<string, Mutant>> = {
  "replies leave before the flush": {
    tampering: { answersBeforeFlush: true },
    faults: { ...NO_FAULTS, crash: 0.005 }, // the mutant does not hear of refusals
    caughtBy: /acknowledged and took effect 0 times|log of partition \d+ reaches commit \d+, this data folder only/,
  },
  "outputs leave before the log": {
    tampering: { answersBeforeLog: true },
    caughtBy: /its log holds|the log reaches|before its record/,
  },
  "mail is not deduplicated": {
    tampering: {
      mail: (bytes) => encodeMail({ runs: decodeMail(bytes).runs.map((run) => ({ ...run, sender: INGRESS })) }),
    },
    caughtBy: /in order, once/,
  },
  "the position is not part of the commit": {
    tampering: { toStore: (message) => withPosition(message, () => null) },
    caughtBy: /ingress: stored/,
  },
  "the position does not count envelopes": {
    tampering: { toStore: (message) => withPosition(message, (position) => position && { ...position, index: 0 }) },
    caughtBy: /ingress: stored/,
  },
  "the broker does not fence": { tampering: { fenceless: true }, caughtBy: /log \d+: record \d+ follows/ },
  "shards never refresh their reader": {
    tampering: { neverRefreshes: true },
    caughtBy: /took effect 0 times|saw|in order, once|told \d+, applied/,
  },
  "progress is told before outputs are stored": {
    tampering: { toStore: (message) => withProgress(message) },
    caughtBy: /does not come to rest/, // a gap in the mail, or a log that is behind: refused for ever
  },
  "outputs are not published again after an opening": {
    tampering: { opening: (opening) => ({ ...opening, retained: [] }) },
    caughtBy: /a message says|does not come to rest/,
  },
  "an opening forgets what was sent": {
    tampering: { opening: (opening) => ({ ...opening, sent: [] }) },
    caughtBy: /a gap in what it told/,
  },
  "an opening forgets what was received": {
    tampering: { opening: (opening) => ({ ...opening, received: [] }) },
    caughtBy: /does not come to rest|in order, once/, // it sees gaps where there are none
  },
  "an opening forgets the time": {
    tampering: { opening: (opening) => ({ ...opening, nowMs: 0 }) },
    caughtBy: /time went back/,
  },
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
