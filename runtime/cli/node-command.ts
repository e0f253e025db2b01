import type { Command } from "commander";
import { AdminClient } from "./admin-client.ts";
import type { NodeOptions } from "./node-address.ts";
import type { Terminal } from "./terminal.ts";

/** Options of every command that speaks to a running node. */
export interface NodeCommandOptions extends NodeOptions {
  readonly json?: boolean;
}

export function withNodeOptions(command: Command): Command {
  return command
    .option("--json", "print one JSON document, for scripts")
    .option("--data <dir>", "data folder of the node; its node.json says where it is (default: ./chorus-data)")
    .option("--admin <url>", "admin address of the node, instead of --data")
    .option("--token <token>", "admin token that goes with --admin");
}

/** Asks the node and prints what `show` makes of the answer, or the answer itself under --json. */
export async function askAndPrint(
  options: NodeCommandOptions,
  terminal: Terminal,
  ask: (client: AdminClient) => Promise<unknown>,
  show: (answer: unknown) => string,
): Promise<void> {
  const answer = await ask(await AdminClient.find(options, terminal));
  terminal.print(options.json === true ? JSON.stringify(answer) : show(answer));
}
