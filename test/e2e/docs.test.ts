import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { cleanEnvironment, REPOSITORY, temporaryHome, TestDaemon } from "../support/daemon.ts";
import { eventually } from "../support/daemon-probe.ts";
import { complaintsOf, type Example, examplesOf, tryExamples } from "../support/documented-commands.ts";
import { describeWithNatsCli } from "../support/nats.ts";
import { pythonPath } from "../support/python-client.ts";

const SENDERS = JSON.stringify({ stitcher: "a-token-of-16-characters-or-more" });
const WELCOME_MS = 5_000;

let daemon: TestDaemon;

afterEach(() => daemon.dispose());

/** Environment of a shell in which the pages' commands mean this daemon. */
async function shellOf({ folder, data }: TestDaemon): Promise<Record<string, string | undefined>> {
  const tools = join(folder, "tools");
  await mkdir(tools);
  await symlink(process.env["CHORUS_NATS_CLI"] ?? "", join(tools, "nats"));
  const environment = cleanEnvironment();
  return { ...environment, PATH: `${tools}:${environment["PATH"]}`, CHORUS_DATA: data };
}

/** An `npx` that finds `chorus` at once: npm's own takes a second to get there, and the pages call it twenty times. */
async function shortcutNpx(shell: Readonly<Record<string, string | undefined>>): Promise<void> {
  const tools = shell["PATH"]?.split(":")[0] ?? "";
  const script = `#!/bin/sh\nshift\nexec node ${join(REPOSITORY, "runtime/cli/chorus.mjs")} "$@"\n`;
  await writeFile(join(tools, "npx"), script, { mode: 0o755 });
}

/** @param marks of examples that need something which `environment` brings. */
async function complaintsAbout(page: string, marks: readonly string[] = [], environment = {}): Promise<string[]> {
  const shell = { ...(await shellOf(daemon)), ...environment };
  await shortcutNpx(shell);
  const examples = examplesOf(page, marks);
  expect(examples).not.toHaveLength(0);
  return complaintsOf(page, await tryExamples(examples, shell));
}

describeWithNatsCli("every command of the pages does what the page says, against a real daemon:", () => {
  test("docs/operating.md, from the ready file to the backup of a stopped node", async () => {
    daemon = await TestDaemon.start();
    expect(await complaintsAbout("docs/operating.md")).toEqual([]);
    expect(daemon.isRunning).toBe(false);
  });

  test("docs/http.md, serving and admin", async () => {
    daemon = await TestDaemon.start({ environment: { CHORUS_EVENTS_SENDERS: SENDERS } });
    expect(await complaintsAbout("docs/http.md")).toEqual([]);
  });

  test("docs/outside-agents.md, with the settings that it shows and both of its agents", async () => {
    const page = await readFile(join(REPOSITORY, "docs/outside-agents.md"), "utf8");
    const home = await temporaryHome();
    const config = join(home.path, "chorus.json");
    await writeFile(config, /```json\n([^]*?)```/.exec(page)?.[1] ?? "");
    daemon = await TestDaemon.start({ args: ["--config", config] });
    await home.remove();
    const path = pythonPath();
    const python = path === null ? [] : ["python"];
    expect(await complaintsAbout("docs/outside-agents.md", python, { PYTHONPATH: path ?? "" })).toEqual([]);
  });

  test("what a node proposes to try when it serves", async () => {
    daemon = await TestDaemon.start();
    await eventually("the welcome is printed", () => daemon.output.includes("Stop with"), true, WELCOME_MS);
    const commands = daemon.output.split("\n").filter((line) => /^ {5}(curl|nats|npx) /.test(line));
    const prints = ['"adm":', "204 No Content", '"kind":"listener"', '"kind":"listener"'];
    expect(commands).toHaveLength(prints.length);
    const examples = commands.map((line, index): Example => ({
      line: index + 1,
      commands: line,
      prints: prints.slice(index, index + 1),
    }));
    expect(complaintsOf("welcome", await tryExamples(examples, await shellOf(daemon)))).toEqual([]);
  });
});
