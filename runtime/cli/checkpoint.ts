import type { Command } from "commander";
import { Fault } from "../../protocols/errors.ts";
import { CommandFailure, EXIT } from "./exit-code.ts";
import { askAndPrint, type NodeCommandOptions, withNodeOptions } from "./node-command.ts";
import { nodeSettings } from "./node-settings.ts";
import { table } from "./table.ts";
import type { Terminal } from "./terminal.ts";

interface Listed {
  readonly name: string;
  readonly partition: number;
  readonly commitSeq: number;
  readonly entries: number;
  readonly bytes: number;
}

interface RestoreCommandOptions {
  readonly config?: string;
  readonly data?: string;
  readonly json?: boolean;
}

export function addCheckpoint(program: Command, terminal: Terminal): void {
  const checkpoint = program
    .command("checkpoint")
    .summary("list, create, verify and restore checkpoints of the node's state")
    .description(
      "Checkpoints hold the state of each partition in the object store CHORUS_CHECKPOINTS; with the log above them they make a node's\n" +
        "file anew. A running node writes them by itself (setting checkpoint.everyMs).",
    );
  withNodeOptions(checkpoint.command("list"))
    .description("the checkpoints there are, the oldest first")
    .action((options: NodeCommandOptions) =>
      askAndPrint(
        options,
        terminal,
        (client) => client.request("/v1/inspect/checkpoints", { what: "the checkpoints" }),
        (answer) => listing((answer as { checkpoints: Listed[] }).checkpoints),
      ),
    );
  withNodeOptions(checkpoint.command("create"))
    .description("write one of every partition that changed since its last, read it back, and say its name")
    .action((options: NodeCommandOptions) =>
      askAndPrint(
        options,
        terminal,
        (client) => client.request("/v1/control/checkpoint", { method: "POST", body: {}, what: "checkpoints" }),
        (answer) => listing((answer as { checkpoints: Listed[] }).checkpoints),
      ),
    );
  withNodeOptions(checkpoint.command("verify <name>"))
    .description("read a checkpoint from end to end and check every byte of it")
    .action((name: string, options: NodeCommandOptions) =>
      askAndPrint(
        options,
        terminal,
        (client) =>
          client.request("/v1/control/verify-checkpoint", {
            method: "POST",
            body: { name },
            what: `the checkpoint ${name}`,
          }),
        (answer) => {
          const { entries, commitSeq } = answer as { entries: number; commitSeq: number };
          return `${name} is whole: ${entries} entries up to commit ${commitSeq}`;
        },
      ),
    );
  addRestore(checkpoint, terminal);
}

function addRestore(checkpoint: Command, terminal: Terminal): void {
  checkpoint
    .command("restore")
    .description(
      "make the file of a stopped node anew from its checkpoints and its log; the old file is set aside beside it.\n" +
        "The folder's keys must be those that sealed the state. Then start the node as always.",
    )
    .option("--config <file>", "settings file of the node")
    .option("--data <dir>", "data folder of the node (default: ./chorus-data)")
    .option("--json", "print one JSON document, for scripts")
    .action(async (options: RestoreCommandOptions) => {
      const settings = await nodeSettings(options.config, { data: options.data }, terminal);
      const { restoreNode } = await import("../host/restore.ts");
      try {
        const report = await restoreNode(settings, {
          environment: terminal.environment,
          onProgress: (line) => options.json !== true && terminal.print(line),
        });
        const aside = report.setAside === null ? "" : `; the file that was there is now ${report.setAside}`;
        const done = `restored ${report.partitions.length} partitions${aside}. Start the node as always.`;
        terminal.print(options.json === true ? JSON.stringify(report) : done);
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        throw new CommandFailure(EXIT.fault, `${error.code}: ${error.message}`);
      }
    });
}

function listing(checkpoints: readonly Listed[]): string {
  if (checkpoints.length === 0) return "none";
  return table(
    ["name", "partition", "commit", "entries", "bytes"],
    checkpoints.map(({ name, partition, commitSeq, entries, bytes }) => [name, partition, commitSeq, entries, bytes]),
  );
}
