import { expect, test } from "vitest";
import { HandlerTimes, handlerViews } from "../../runtime/core/handler-times.ts";
import { randomStream } from "../../runtime/core/random-stream.ts";

test("quantiles are never below the true ones and at most a quarter above", () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const random = randomStream(seed);
  const times = new HandlerTimes();
  const exact: number[] = [];
  for (let number = 0; number < 20_000; number++) {
    const micros = Math.exp(random() * 14);
    exact.push(micros);
    times.record("budget", "Report", micros, number % 10 === 0);
  }
  exact.sort((one, other) => one - other);
  const [view] = handlerViews(times.samples());
  for (const [share, shown] of [
    [0.5, view?.p50Micros ?? 0],
    [0.99, view?.p99Micros ?? 0],
  ] as const) {
    const wanted = exact[Math.ceil(share * exact.length) - 1] ?? 0;
    expect(shown, `seed ${seed}, p${share}`).toBeGreaterThanOrEqual(wanted);
    expect(shown, `seed ${seed}, p${share}`).toBeLessThanOrEqual(Math.ceil(wanted * 1.26) + 1);
  }
  expect(view).toMatchObject({ count: 20_000, failed: 2_000, maxMicros: Math.ceil(exact.at(-1) ?? 0) });
});

test("the handlers of several threads come together, the slowest first", () => {
  const one = new HandlerTimes();
  const other = new HandlerTimes();
  for (let number = 0; number < 99; number++) one.record("budget", "Report", 3, false);
  other.record("budget", "Report", 4_000, true);
  other.record("wallet", "Grant", 50_000, false);
  other.record("wallet", "Spend", 0, false);
  const views = handlerViews([...one.samples(), ...other.samples()]);
  expect(views.map(({ kind, message }) => `${kind}.${message}`)).toEqual([
    "wallet.Grant",
    "budget.Report",
    "wallet.Spend",
  ]);
  expect(views[1]).toMatchObject({ count: 100, failed: 1, p50Micros: 4, p99Micros: 4, maxMicros: 4_000 });
});
