import type { Command } from "commander";
import { decodeMessage } from "./decoded-message.ts";
import type { Terminal } from "./terminal.ts";

export function addDecode(program: Command, terminal: Terminal): void {
  program
    .command("decode")
    .summary("make JSON of a msgpack message on standard input")
    .description(
      "Makes JSON of a message on standard input: mail, records of a partition's log, decision rows, dead letters,\n" +
        "topics. Needs no running node. JSON passes through; what is sealed stays closed.",
    )
    .option("--json", "on one line")
    .addHelpText(
      "after",
      '\nExamples:\n  nats stream get CHORUS_DECISIONS 1 --translate "npx chorus decode"\n' +
        '  nats sub --stream CHORUS_LOG --all --translate "npx chorus decode"',
    )
    .action(async (options: { readonly json?: boolean }) => {
      const value = decodeMessage(await terminal.input());
      terminal.print(options.json === true ? JSON.stringify(value) : JSON.stringify(value, null, 2));
    });
}
