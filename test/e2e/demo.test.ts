import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { describeWithNats } from "../support/nats.ts";

const DEMO = fileURLToPath(new URL("../../bench/demo/demo.ts", import.meta.url));

function demo(...args: string[]): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [DEMO, ...args], { timeout: 50_000 }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : error === null ? 0 : -1, stdout, stderr }),
    );
  });
}

describeWithNats("npm run demo", () => {
  test("shows listeners at work, stops by itself, and node and listeners agree about what was heard and spent", async () => {
    const { code, stdout, stderr } = await demo("--listeners", "60", "--seconds", "10", "--speed", "120");
    expect({ code, stderr, stdout: code === 0 ? "" : stdout }).toMatchObject({ code: 0, stdout: "" });
    expect(stdout).toMatch(/\d+ breaks · [1-9]\d* with an ad/);
    expect(stdout).toContain(
      "The node's figures of impressions, completes, skips and money are those of the listeners.",
    );
    expect(stdout).toMatch(/Why was there no ad \(nbr \d+, chorus explain /);
  });

  test("a wrong wish is named, with its bounds", async () => {
    expect(await demo("--listeners", "many")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--listeners many: must be a whole number from 1 to 2000"),
    });
  });
});
