import { expect, test } from "vitest";
import type { Activation } from "../../runtime/core/activation.ts";
import { Residency } from "../../runtime/core/residency.ts";

const actor = (kind: string, key: string, changes: Partial<Activation> = {}): Activation =>
  ({
    id: { kind, key, partition: 0 },
    definition: {},
    bytes: 100,
    lastUsedMs: 0,
    dirty: false,
    ...changes,
  }) as Activation;

test("actors of one key and different kinds are told apart, and counted once each", () => {
  const residency = new Residency();
  const [budget, wallet] = [actor("budget", "a"), actor("wallet", "a")];
  for (const each of [budget, wallet, budget]) residency.add(each);
  expect([residency.size, residency.get("budget", "a"), residency.get("wallet", "a")]).toEqual([2, budget, wallet]);
  residency.remove(budget);
  residency.remove(budget);
  expect([residency.size, residency.get("budget", "a"), [...residency.values()]]).toEqual([1, undefined, [wallet]]);
});

test("a sweep goes on where the last one ended; the idle leave, the busy and the changed stay", () => {
  const residency = new Residency();
  residency.add(actor("budget", "idle"));
  residency.add(actor("budget", "busy", { lastUsedMs: 950 }));
  residency.add(actor("wallet", "changed", { dirty: true }));
  residency.add(actor("wallet", "idle"));
  for (let step = 0; step < 5; step++) residency.sweep(1, 1_000, false, 100);
  expect([...residency.values()].map(({ id }) => `${id.kind}/${id.key}`)).toEqual(["budget/busy", "wallet/changed"]);
  expect([residency.size, residency.passivated, residency.bytes]).toEqual([2, 2, 200]);
});

test("under pressure all clean ones leave", () => {
  const residency = new Residency();
  residency.add(actor("budget", "busy", { lastUsedMs: 1_000 }));
  residency.add(actor("budget", "changed", { dirty: true }));
  residency.sweep(10, 1_000, true, 100);
  expect([...residency.values()].map(({ id }) => id.key)).toEqual(["changed"]);
});
