import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { defineJob } from "../../protocols/job.ts";
import { jobModule } from "../../runtime/threads/job-messages.ts";

/** A job that behaves as its input says: everything a job can do to its thread. */
export const tryingJob = defineJob(
  "trying",
  z.strictObject({
    what: z.enum(["echo", "throw", "exit", "fill", "loop", "never", "await-file", "progress", "lie", "huge"]),
    value: z.string().default(""),
  }),
  z.string().max(1_500_000),
);

/** Between two looks for the file. */
const LOOK_MS = 20;

export default jobModule(tryingJob, async ({ what, value }, { progress }) => {
  switch (what) {
    case "echo":
      return value;
    case "throw":
      throw new Error(value);
    case "exit":
      return process.exit(3);
    case "fill": {
      const kept: number[][] = [];
      for (;;) kept.push(new Array<number>(100_000).fill(kept.length));
    }
    case "loop":
      for (;;);
    case "never":
      return delay(2 ** 30, "");
    case "await-file":
      while (!existsSync(value)) await delay(LOOK_MS);
      return `saw ${value}`;
    case "progress": {
      const untilMs = performance.now() + Number(value);
      let said = 0;
      for (; performance.now() < untilMs; said++) progress(0.5, `${said}`);
      // What was posted is read by the other side's event loop: it counts there.
      return String(said);
    }
    case "lie":
      return 7 as unknown as string;
    case "huge":
      return "x".repeat(1_200_000);
  }
});
