import { isDeepStrictEqual } from "node:util";
import { setTimeout as delay } from "node:timers/promises";

const STEP_MS = 50;

/**
 * Asks a process of its own until it says what is expected, because nothing of it can be awaited from outside. Faults of asking
 * count as "not yet". @throws Error naming the phase, what was expected and what was said last.
 */
export async function eventually<T>(
  phase: string,
  ask: () => T | Promise<T>,
  expected: T,
  withinMs: number,
): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  let actual: unknown;
  for (;;) {
    try {
      actual = await ask();
      if (isDeepStrictEqual(actual, expected)) return;
    } catch (error) {
      actual = error;
    }
    if (performance.now() > deadlineMs) {
      const said = actual instanceof Error ? String(actual) : JSON.stringify(actual);
      throw new Error(
        `${phase}: expected ${JSON.stringify(expected)} within ${withinMs} ms, the last answer was ${said}`,
      );
    }
    await delay(STEP_MS);
  }
}
