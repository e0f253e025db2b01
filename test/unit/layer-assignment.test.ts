import { createHmac, createSecretKey } from "node:crypto";
import { expect, test } from "vitest";
import { assign, rampedArms } from "../../actors/learning/experiment/layer-assignment.ts";
import { sampleRatio } from "../../actors/learning/experiment/sample-ratio.ts";
import { LAYER_BUCKETS, layerBucket, layerKey } from "../../protocols/layer-bucket.ts";

const root = createSecretKey(Buffer.alloc(32, 7));
const pacing = layerKey(root, "pacing");
const units = Array.from({ length: 40_000 }, (_, unit) => `listener-${unit}`);

test("a bucket is the HMAC's first 53 bits modulo 10,000", () => {
  const mac = createHmac("sha256", pacing).update("listener-1").digest();
  const exact = (mac.readBigUInt64BE(0) >> 11n) % BigInt(LAYER_BUCKETS);
  expect(layerBucket(pacing, "listener-1")).toBe(Number(exact));
});

test("buckets are even, and those of two layers are independent", () => {
  const frequency = layerKey(root, "frequency");
  const decile = (key: typeof pacing, unit: string) => Math.floor(layerBucket(key, unit) / 1_000);
  const cells = new Array<number>(100).fill(0);
  for (const unit of units) {
    const cell = decile(pacing, unit) * 10 + decile(frequency, unit);
    cells[cell] = (cells[cell] ?? 0) + 1;
  }
  // Even over the 100 pairs: even in each layer, and one says nothing about the other. The seed is fixed, so this cannot flicker.
  expect(sampleRatio(cells.map((count) => ({ units: count, share: 1 }))).pValue).toBeGreaterThan(0.01);
});

test("a unit gets its arm with the arm's share, and its record says that share", () => {
  const arms = rampedArms({ arm: "control", buckets: 3_000 }, [{ arm: "bold", buckets: 1_000 }]);
  const counts = { control: 0, bold: 0, none: 0 };
  for (const unit of units) {
    const assigned = assign(pacing, unit, arms);
    counts[(assigned?.arm ?? "none") as keyof typeof counts]++;
    if (assigned !== null) expect(assigned.probability).toBe(assigned.arm === "bold" ? 0.1 : 0.3);
  }
  const ratio = sampleRatio([
    { units: counts.control, share: 0.3 },
    { units: counts.bold, share: 0.1 },
    { units: counts.none, share: 0.6 },
  ]);
  expect(ratio.pValue).toBeGreaterThan(0.01);
});

test("a ramp moves nobody: who had an arm keeps it at every larger step", () => {
  const steps = [100, 500, 3_000].map(
    (buckets) =>
    rampedArms({ arm: "control", buckets }, [{ arm: "a", buckets }, { arm: "b", buckets }]), // prettier-ignore
  );
  for (const unit of units.slice(0, 5_000)) {
    const path = steps.map((arms) => assign(pacing, unit, arms)?.arm ?? null);
    const first = path.find((arm) => arm !== null) ?? null;
    expect(path.slice(path.indexOf(first))).toEqual(path.slice(path.indexOf(first)).map(() => first));
  }
});

test("a single treatment ramps to all", () => {
  const arms = rampedArms({ arm: "control", buckets: 0 }, [{ arm: "new", buckets: LAYER_BUCKETS }]);
  expect(units.slice(0, 1_000).every((unit) => assign(pacing, unit, arms)?.arm === "new")).toBe(true);
});

test("shares that do not fit are refused by arm and rule", () => {
  const control = { arm: "control", buckets: 5_000 };
  expect(() => rampedArms(control, [{ arm: "a", buckets: 5_001 }])).toThrow(
    "arm a ends at bucket 5001, control begins at 5000: must not overlap",
  );
  expect(() => rampedArms(control, [{ arm: "a", buckets: 1.5 }])).toThrow("arm a: 1.5 buckets; must be a whole number");
  expect(() => rampedArms(control, [{ arm: "a", buckets: 1 }, { arm: "b", buckets: 3_334 }])).toThrow("arm b: 3334 buckets"); // prettier-ignore
});
