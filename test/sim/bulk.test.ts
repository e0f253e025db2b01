import { test } from "vitest";
import { settle } from "./runs.ts";
import type { Operation } from "./workload.ts";
import { World } from "./world.ts";

/** More tells of one envelope to one partition than a message may carry; the key's partition is another than the sender's. */
const BULK: readonly Operation[] = ["op0"].map((op) => ({
  op,
  by: "ask",
  kind: "counter",
  key: "c3",
  type: "Add",
  payload: { op, to: ["t1"], copies: 5_000 },
}));

test("tells to one partition that do not fit into one message arrive all, once and in order", () => {
  settle(new World({ seed: 1, programme: BULK }), "bulk");
});

test("so they do when the node dies between the messages", () => {
  for (const occurrence of [1, 2, 3]) {
    let seen = 0;
    const kill = (point: string): boolean => point === "output stored, its answer lost" && ++seen === occurrence;
    settle(new World({ seed: 1, programme: BULK, kill }), `bulk, killed at output ${occurrence}`);
  }
});
