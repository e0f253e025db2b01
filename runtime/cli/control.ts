import type { Command } from "commander";
import { CommandFailure, EXIT } from "./exit-code.ts";
import { askAndPrint, type NodeCommandOptions, withNodeOptions } from "./node-command.ts";
import type { Terminal } from "./terminal.ts";

export function addControl(program: Command, terminal: Terminal): void {
  const control = program
    .command("control")
    .summary("act on a running node")
    .description("Acts on a running node; each act is written to the audit log (stream CHORUS_AUDIT).");
  withNodeOptions(control.command("restart <kind> <key>"))
    .description("let an actor that supervision stopped run again; mend the cause first")
    .action((kind: string, key: string, options: NodeCommandOptions) =>
      act({ verb: "restart", body: { kind, key }, what: `the actor ${kind} ${key}` }, options, terminal),
    );
  withNodeOptions(control.command("accept-gap <partition>"))
    .description("resume mail of a partition that waits for messages which are lost (MAIL_GAP)")
    .action((text: string, options: NodeCommandOptions) => {
      if (!/^\d{1,5}$/.test(text)) throw new CommandFailure(EXIT.usage, `${text} is no partition: give its number`);
      const body = { partition: Number(text) };
      return act({ verb: "accept-gap", body, what: `the partition ${text}` }, options, terminal);
    });
}

interface Act {
  readonly verb: string;
  readonly body: unknown;
  readonly what: string;
}

function act({ verb, body, what }: Act, options: NodeCommandOptions, terminal: Terminal): Promise<void> {
  return askAndPrint(
    options,
    terminal,
    (client) => client.request(`/v1/control/${verb}`, { method: "POST", body, what }),
    () => "done",
  );
}
