import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { lastLine, runCommand } from "../../runtime/nats/run-command.ts";

const env = { PATH: "/usr/bin:/bin" };

test("a command answers its code and both its outputs", async () => {
  const { code, output } = await runCommand("sh", ["-c", "echo one; echo two >&2; exit 3"], { env, timeoutMs: 5_000 });
  expect({ code, lines: output.trim().split("\n").sort() }).toEqual({ code: 3, lines: ["one", "two"] });
  expect(lastLine("first\nlast\n\n")).toBe("last");
});

test("a command that takes too long is killed, and one that is not there is a result", async () => {
  await expect(runCommand("sh", ["-c", "sleep 5 & wait"], { env, timeoutMs: 50 })).resolves.toMatchObject({
    code: null,
  });
  await expect(runCommand("no-such-command", [], { env, timeoutMs: 5_000 })).resolves.toMatchObject({ code: null });
});

test("the bound on a command that is not there does not keep the process alive", () => {
  const module = new URL("../../runtime/nats/run-command.ts", import.meta.url).href;
  const script = `const { runCommand } = await import(${JSON.stringify(module)}); await runCommand("no-such-command", [], { env: {}, timeoutMs: 600_000 });`;
  const { status, signal } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { timeout: 10_000 });
  expect({ status, signal }).toEqual({ status: 0, signal: null });
});
