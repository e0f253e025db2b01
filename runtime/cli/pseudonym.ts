import type { Command } from "commander";
import { askAndPrint, type NodeCommandOptions, withNodeOptions } from "./node-command.ts";
import type { Terminal } from "./terminal.ts";

export function addPseudonym(program: Command, terminal: Terminal): void {
  withNodeOptions(program.command("pseudonym <id>"))
    .summary("the key under which a listener's actor is found")
    .description(
      "The key under which the actor of a listener is found: an HMAC that the node makes of the raw id, which it does not keep.",
    )
    .option("--source <source>", "where the id comes from, as it stands in a request", "user")
    .action((id: string, options: NodeCommandOptions & { readonly source: string }) =>
      askAndPrint(
        options,
        terminal,
        (client) => client.request("/v1/pseudonym", { query: { id, source: options.source } }),
        (answer) => String((answer as { readonly key?: unknown }).key),
      ),
    );
}
