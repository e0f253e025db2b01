import { defineConfig } from "vitest/config";
import { ClosingLine } from "./test/support/closing-line.ts";

/** One folder under test/ is one project: `vitest run --project unit`. */
const inProcess = (name: string, testTimeout: number) => ({
  extends: true as const,
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout,
    hookTimeout: testTimeout,
    maxWorkers: "100%", // the default leaves one core idle, which halves CI's two
    sequence: { groupOrder: 1 }, // explicit: vitest moves a one-worker project without an order to the end
  },
});

/** Real servers, disks and threads: one file at a time and after the others, because CI has two cores. */
const onRealThings = (name: string, groupOrder: number) => ({
  extends: true as const,
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    fileParallelism: false,
    sequence: { groupOrder },
  },
});

export default defineConfig({
  test: {
    pool: "forks",
    reporters: ["default", new ClosingLine()],
    projects: [
      inProcess("unit", 15_000),
      inProcess("property", 30_000),
      inProcess("contract", 60_000),
      inProcess("sim", 60_000),
      onRealThings("integration", 2),
      onRealThings("e2e", 3),
      onRealThings("chaos", 4),
    ],
  },
});
