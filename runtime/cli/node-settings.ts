import { readFile } from "node:fs/promises";
import { loadSettings, type SettingSources, unknownVariables } from "../../config/loader.ts";
import type { Settings } from "../../config/schema.ts";
import { CommandFailure, EXIT } from "./exit-code.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Settings of a node as a command was given them: defaults, the file, the environment, the command's own options.
 * @throws Fault CONFIG_INVALID with every wrong setting, CommandFailure for a file that cannot be read.
 */
export async function nodeSettings(
  config: string | undefined,
  overrides: NonNullable<SettingSources["overrides"]>,
  terminal: Terminal,
): Promise<Settings> {
  const { environment } = terminal;
  for (const name of unknownVariables(environment))
    terminal.complain(`chorus: ${name} is no setting, and was left alone`);
  const file = config ?? environment["CHORUS_CONFIG"];
  return loadSettings({
    ...(file === undefined ? {} : { fileText: await readConfig(file) }),
    environment,
    overrides,
  });
}

async function readConfig(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new CommandFailure(EXIT.usage, `cannot read the config file ${file}: ${(error as Error).message}`);
  }
}
