import { expect, test } from "vitest";
import { z } from "zod";
import { encodeMail } from "../../protocols/envelope.ts";
import { asPartition, type Partition } from "../../protocols/ids.ts";
import { protocol, tell } from "../../protocols/protocol.ts";
import { defineActor } from "../../runtime/actor/define.ts";
import { ref } from "../../runtime/actor/reference.ts";
import { restart, resume } from "../../runtime/actor/supervision.ts";
import { letterOf, startWorker, worker, workerOf, WorkerState } from "../support/breakable-worker.ts";
import { activate } from "../support/testkit.ts";

test("a thousand dead letters stay as rows; the oldest leaves for the next, and is counted", () => {
  const actor = startWorker(restart({ attemptsMax: 1, maxRestarts: 10_000 }));
  actor.tell("Fail", {});
  const first = letterOf(actor);
  for (let letter = 0; letter < 1_001; letter++) actor.tell("Fail", {});
  expect([actor.core.letters.size, actor.core.letters.dropped]).toEqual([1_000, 2]);
  expect([...actor.core.letters.ids]).not.toContain(first);
  const ids = [...actor.core.letters.ids];
  actor.crashAndRecover();
  expect([...actor.core.letters.ids]).toEqual(ids);
});

test("a stash holds 256 envelopes or two megabytes; what is too much leaves from its head as a dead letter", () => {
  const actor = startWorker(resume());
  actor.act({ act: "pause", kind: "worker", key: "a" });
  for (let by = 0; by < 260; by++) actor.tell("Add", { by });
  expect(actor.core.activate("worker", "a").header.stash).toHaveLength(256);
  expect([...actor.core.letters.ids].map((id) => actor.letter(id)?.payload)).toEqual(
    [0, 1, 2, 3].map((by) => ({ by })),
  );
  expect(actor.letter(letterOf(actor))).toMatchObject({ code: "MAILBOX_FULL" });

  const other = startWorker(resume());
  other.act({ act: "pause", kind: "worker", key: "a" });
  for (let by = 0; by < 4; by++) other.tell("Add", { by, note: "x".repeat(700_000) });
  expect(other.core.activate("worker", "a").header.stash).toHaveLength(2);
  other.tell("Add", { by: 9, note: "x".repeat(1_100_000) });
  expect(other.core.activate("worker", "a").header.stash).toHaveLength(2);
  expect(other.core.letters.size).toBe(3);
});

test("the copy of a large dead letter lacks its payload, so that row and copy fit one message", () => {
  const actor = startWorker(restart({ attemptsMax: 1 }));
  actor.tell("Fail", { note: "x".repeat(4_500_000) });
  const [record] = actor.records;
  expect(actor.letter(letterOf(actor))?.payload).toMatchObject({ note: expect.stringMatching(/^x/) });
  expect(record?.deadLetters[0]?.byteLength).toBeLessThan(10_000);
});

test("one envelope tells at most 64 others in its partition and five megabytes elsewhere; more is its failure", () => {
  const Wide = protocol("wide", {
    Near: tell({ count: z.int() }),
    Far: tell({ bytes: z.int() }),
  });
  const wide = defineActor(Wide, {
    state: { version: 1, schema: WorkerState, initial: () => ({ total: 0 }) },
    supervision: restart({ attemptsMax: 1 }),
    handlers: {
      Near(state, { count }, fx) {
        for (let number = 0; number < count; number++)
          fx.tell(ref(worker, `n${number}`, fx.partition), "Add", { by: 1 });
        return { ...state };
      },
      Far(state, { bytes }, fx) {
        const there = asPartition(fx.partition + 1);
        fx.tell(ref(worker, "far", there), "Add", { by: 1, note: "x".repeat(bytes) } as { by: number });
        return { ...state };
      },
    },
  });
  const actor = activate(wide, { key: "w", partition: 3, others: [workerOf(resume())] });
  actor.tell("Near", { count: 64 });
  actor.tell("Far", { bytes: 4_900_000 });
  expect(actor.core.letters.size).toBe(0);
  actor.tell("Near", { count: 65 });
  actor.tell("Far", { bytes: 5_300_000 });
  const codes = [...actor.core.letters.ids].map((id) => actor.letter(id)?.code);
  expect(codes).toEqual(["EFFECT_REFUSED", "ENVELOPE_TOO_LARGE"]);
});

test("a sender that a partition does not know is refused when it keeps as many as it can", () => {
  const actor = startWorker(resume());
  const send = (sender: string): void => {
    const { queue } = actor.core.intake;
    queue.push(queue.newestSequence + 1, mailFrom(sender, actor.id.partition));
    actor.core.intake.apply(10);
  };
  for (let sender = 0; sender < 2_050; sender++) send(`producer-${sender}`);
  expect(actor.counters.dropped).toBe(2);
  expect(actor.core.activate("worker", "a").read("")).toEqual({ total: 2_048 });
  expect(actor.events.filter(({ event }) => event === "sender-refused")).toHaveLength(2);
});

function mailFrom(sender: string, receiver: Partition): Uint8Array {
  const envelope = { kind: "worker", key: "a", type: "Add", payload: { by: 1 } };
  return encodeMail({ runs: [{ sender, receiver, first: 1, envelopes: [envelope] }] });
}
