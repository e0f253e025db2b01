import { decodeRecord, encodeRecord, type MailPosition } from "../../protocols/commit-record.ts";
import { decodeMail, encodeMail, INGRESS } from "../../protocols/envelope.ts";
import type { ToStore } from "../../runtime/core/ports.ts";
import { firingTwice, keepingEffects, sharingSeeds } from "./actor-mutants.ts";
import { NO_FAULTS, type Faults } from "./faults.ts";
import type { WorldOptions } from "./world.ts";

export interface Mutant {
  /** Completes "a runtime in which …". */
  readonly describes: string;
  readonly tampering: NonNullable<WorldOptions["tampering"]>;
  /** Default: the seed's own. */
  readonly faults?: Faults;
  /** What the checkers say of it. */
  readonly caughtBy: RegExp;
}

/** Known-bad runtimes, by the name that `npm run simulate -- --mutant NAME` takes: the checkers must see each. */
export const MUTANTS: Readonly<Record<string, Mutant>> = {
  "reply-before-flush": {
    describes: "replies leave before the flush",
    tampering: { answersBeforeFlush: true },
    faults: { ...NO_FAULTS, crash: 0.005 }, // the mutant does not hear of refusals
    caughtBy: /acknowledged and took effect 0 times|log of partition \d+ reaches commit \d+, this data folder only/,
  },
  "output-before-log": {
    describes: "outputs leave before the log",
    tampering: { answersBeforeLog: true },
    caughtBy: /its log holds|the log reaches|before its record/,
  },
  "no-dedupe": {
    describes: "mail is not deduplicated",
    tampering: {
      mail: (bytes) => encodeMail({ runs: decodeMail(bytes).runs.map((run) => ({ ...run, sender: INGRESS })) }),
    },
    caughtBy: /in order, once/,
  },
  "position-not-in-commit": {
    describes: "the position is not part of the commit",
    tampering: { toStore: (message) => withPosition(message, () => null) },
    caughtBy: /ingress: stored/,
  },
  "position-without-index": {
    describes: "the position does not count envelopes",
    tampering: { toStore: (message) => withPosition(message, (position) => position && { ...position, index: 0 }) },
    caughtBy: /ingress: stored/,
  },
  "fence-ignored": {
    describes: "the broker does not fence",
    tampering: { fenceless: true },
    caughtBy: /log \d+: (record \d+ follows|epoch \d+ after)/,
  },
  "stale-reads": {
    describes: "shards never refresh their reader",
    tampering: { neverRefreshes: true },
    caughtBy: /took effect 0 times|saw|in order, once|told \d+, applied/,
  },
  "deleted-before-outputs": {
    describes: "progress is told before outputs are stored",
    tampering: { toStore: (message) => withProgress(message) },
    caughtBy: /does not come to rest/, // a gap in the mail, or a log that is behind: refused for ever
  },
  "outputs-not-republished": {
    describes: "outputs are not published again after an opening",
    tampering: { opening: (opening) => ({ ...opening, retained: [] }) },
    caughtBy: /a message says|does not come to rest/,
  },
  "sent-forgotten": {
    describes: "an opening forgets what was sent",
    tampering: { opening: (opening) => ({ ...opening, sent: [] }) },
    caughtBy: /a gap in what it told/,
  },
  "received-forgotten": {
    describes: "an opening forgets what was received",
    tampering: { opening: (opening) => ({ ...opening, received: [] }) },
    caughtBy: /does not come to rest|in order, once/, // it sees gaps where there are none
  },
  "time-forgotten": {
    describes: "an opening forgets the time",
    tampering: { opening: (opening) => ({ ...opening, nowMs: 0 }) },
    caughtBy: /time went back/,
  },
  "opened-before-fold": {
    describes: "a partition is opened before the fold of what its dead owner left is seen",
    tampering: { opensBeforeFold: true },
    caughtBy: /took effect 0 times|saw|in order, once|told \d+, applied|rang/,
  },
  "effects-kept-after-throw": {
    describes: "a throw keeps the effects of its envelope, and the envelope counts as handled",
    tampering: { registry: keepingEffects },
    caughtBy: /told \d+, applied/,
  },
  "timer-fired-twice": {
    describes: "a timer fires twice",
    tampering: { registry: firingTwice },
    caughtBy: /rang/,
  },
  "one-seed-a-group": {
    describes: "all envelopes of a group draw from one seed",
    tampering: { registry: sharingSeeds },
    caughtBy: /decision id .* was given twice/,
  },
  "answers-mixed-up": {
    describes: "an answer from outside is taken for that to the question before",
    tampering: { heardBy: (request) => request - 1 },
    caughtBy: /for what (near|far) says to/,
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
