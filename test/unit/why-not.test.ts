import { expect, test } from "vitest";
import type { CandidateRow, DecisionRecord, VetoRow } from "../../protocols/decision-record.ts";
import type { JobFailure, JobResult } from "../../protocols/job.ts";
import { whyNotJob } from "../../protocols/why-not.ts";
import { WhyNot } from "../../runtime/host/why-not.ts";
import { WhyNotTally } from "../../runtime/host/why-not-tally.ts";

const HOUR_MS = 3_600_000;
const NOON_MS = Date.UTC(2026, 2, 2, 12);
const query = { campaignId: "spring", timezone: "Europe/Berlin", sinceMs: 0, untilMs: NOON_MS * 2 };

const veto = (role: string, reason: string): VetoRow => ({ role, reason, rule: "" });
const candidate = (campaignId: string, ...vetoes: VetoRow[]): CandidateRow => ({
  campaignId,
  adSetId: `${campaignId}-1`,
  creativeId: `${campaignId}-1-30`,
  proposedBy: "audience",
  vetoes,
  terms: [],
  scoreNanos: 0,
  bidNanos: 0,
});
function decision(candidates: CandidateRow[], changes: Partial<DecisionRecord> = {}): DecisionRecord {
  const winner = candidates.find(({ vetoes }) => vetoes.length === 0)?.campaignId ?? null;
  const said = { at: NOON_MS, test: false, campaignId: winner, candidates, considered: candidates.length };
  return { vetoCounts: {}, slots: [], ...said, ...changes } as DecisionRecord;
}
function days(...records: DecisionRecord[]) {
  const tally = new WhyNotTally(query);
  for (const record of records) tally.take(record);
  return tally.days();
}

test("each decision of a day counts as one fate, and those add up", () => {
  const others = [candidate("autumn")];
  expect(
    days(
      decision([candidate("spring")]),
      decision([...others, candidate("spring")]),
      decision([candidate("spring", veto("frequency", "cap")), ...others]),
      decision([candidate("spring", veto("frequency", "cap"), veto("pacing", "dry"))]),
      decision(others),
      decision(others, { considered: 40 }),
      decision([], { vetoCounts: { "quality/robot": 1 } }),
    ),
  ).toEqual([
    {
      day: "2026-03-02",
      decisions: 7,
      won: 1,
      outbid: 1,
      vetoed: 2,
      refused: 1,
      absent: 1,
      unseen: 1,
      reasons: { "frequency/cap": 2, "pacing/dry": 1, "quality/robot": 1 },
    },
  ]);
});

test("two ad sets vetoed for one reason are one decision lost to it; one that could be served makes it outbid", () => {
  const capped = candidate("spring", veto("frequency", "cap"));
  expect(days(decision([capped, capped]))).toMatchObject([{ vetoed: 1, reasons: { "frequency/cap": 1 } }]);
  expect(days(decision([candidate("autumn"), capped, candidate("spring")]))).toMatchObject([
    { outbid: 1, vetoed: 0, reasons: {} },
  ]);
});

test("a later ad of a pod is won as well as the first", () => {
  const slots = ["autumn", "spring"].map((campaignId, slot) => ({ slot, campaignId }));
  const pod = decision([candidate("autumn"), candidate("spring")], {
    slots: slots as unknown as DecisionRecord["slots"],
  });
  expect(days(pod)).toMatchObject([{ decisions: 1, won: 1, outbid: 0 }]);
});

test("days are those of the campaign's zone, the newest first; tests and other times do not count", () => {
  const at = (ms: number, changes = {}): DecisionRecord => decision([candidate("spring")], { at: ms, ...changes });
  const lateMs = Date.UTC(2026, 2, 2, 23, 30); // half past midnight in Berlin
  expect(days(at(NOON_MS), at(lateMs), at(lateMs, { test: true }), at(query.untilMs))).toMatchObject([
    { day: "2026-03-03", decisions: 1 },
    { day: "2026-03-02", decisions: 1 },
  ]);
});

function rig(result: JobResult) {
  const inputs: unknown[] = [];
  const whyNot = new WhyNot({
    asker: {
      ask: (_to, _type, payload) =>
        Promise.resolve(
          (payload as { id: string }).id === "spring" ? { document: { timezone: "Europe/Berlin" }, version: 3 } : null,
        ),
    },
    jobs: {
      run: (spec, input) => {
        expect(spec).toBe(whyNotJob);
        inputs.push(spec.input.parse(input));
        return Promise.resolve(result as never);
      },
    },
    clockOffsetMs: 0,
  });
  return { whyNot, inputs };
}

test("by default it reads from the beginning of yesterday in the campaign's zone", async () => {
  const sinceMs = Date.UTC(2026, 1, 28, 23);
  const { whyNot, inputs } = rig({ outcome: "done", output: { days: [], readBackToMs: sinceMs } });
  expect(await whyNot.of("spring", { untilMs: NOON_MS })).toEqual({
    campaignId: "spring",
    timezone: "Europe/Berlin",
    since: "2026-02-28T23:00:00.000Z",
    until: "2026-03-02T12:00:00.000Z",
    complete: true,
    days: [],
  });
  expect(inputs).toMatchObject([{ campaignId: "spring", sinceMs, untilMs: NOON_MS }]);
  expect(await whyNot.of("winter", {})).toBeNull();
});

test("what could not all be read says how far it came", async () => {
  const readBackToMs = NOON_MS - HOUR_MS;
  const { whyNot } = rig({ outcome: "done", output: { days: [], readBackToMs } });
  const view = await whyNot.of("spring", { sinceMs: NOON_MS - 5 * HOUR_MS, untilMs: NOON_MS });
  expect(view).toMatchObject({ complete: false, since: "2026-03-02T11:00:00.000Z" });
});

test.each([
  ["refused", "OVERLOADED"],
  ["timeout", "ASK_EXPIRED"],
  ["died", "NATS_UNAVAILABLE"],
] as const)("a job that ends as %s is the fault %s", async (reason: JobFailure, code) => {
  const { whyNot } = rig({ outcome: "failed", reason, message: "" });
  await expect(whyNot.of("spring", {})).rejects.toMatchObject({ code });
});
