import { expect, test } from "vitest";
import { SUPERVISOR_KIND, type SupervisorAct } from "../../runtime/core/partition-supervisor.ts";
import { randomStream } from "../../runtime/core/random-stream.ts";
import { faultsOf } from "./faults.ts";
import { checkPromises } from "./promises.ts";
import { programme, type Operation } from "./workload.ts";
import { World } from "./world.ts";

const SEEDS = Number(process.env["SIM_SEEDS"] ?? 60);
/** Who is paused, by kind, and one actor of it in each partition that matters. */
const PAUSED = [
  { kind: "tally", keys: ["t0", "t1", "t2", "t3", "t4"] },
  { kind: "flaky", keys: ["f0", "f1"] },
  { kind: "alarm", keys: ["a0", "a1", "a2"] },
  { kind: null, keys: ["t0", "b0", "f0"] },
];

function act(key: string, payload: SupervisorAct, once: boolean): Operation {
  return { op: `${payload.act} by ${key}`, by: "ask", kind: SUPERVISOR_KIND, key, type: payload.act, payload, once };
}

/** A programme in which kinds, actors and mail are paused and resumed at random. */
function interrupted(random: () => number): Operation[] {
  const operations = programme(40, random);
  for (let pauses = 0; pauses < 6; pauses++) {
    const { kind, keys } = PAUSED[Math.floor(random() * PAUSED.length)] ?? { kind: null, keys: [] };
    const key = keys[Math.floor(random() * keys.length)] ?? "t0";
    const of = { kind, key: kind === null || random() < 0.5 ? null : key };
    const at = Math.floor(random() * operations.length);
    operations.splice(at, 0, act(key, { act: "pause", ...of }, true));
    const later = at + 1 + Math.floor(random() * (operations.length - at));
    operations.splice(later, 0, act(key, { act: "resume", ...of }, true));
  }
  return operations;
}

/** Resumes all that can have been paused. */
const RESUMED = PAUSED.flatMap(({ kind, keys }) =>
  keys.flatMap((key) => [
    act(key, { act: "resume", kind, key: null }, false),
    ...(kind === null ? [] : [act(key, { act: "resume", kind, key }, false)]),
  ]),
);

test(`${SEEDS} seeds: what is paused loses, repeats and reorders nothing, whatever dies meanwhile`, () => {
  let refused = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const world = new World({ seed, programme: interrupted(randomStream(seed)), faults: faultsOf(seed) });
    try {
      world.run();
      refused += world.history.calls.filter(({ outcome }) => outcome === "none").length;
      world.history.then(...RESUMED);
      world.drain();
      checkPromises(world);
    } catch (cause) {
      throw new Error(`seed ${seed}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
  }
  // Else nobody was ever found paused, and the test says nothing.
  expect(refused).toBeGreaterThan(SEEDS);
});
