import { Command, CommanderError } from "commander";
import { Fault } from "../../protocols/errors.ts";
import { releaseVersion } from "../host/release.ts";
import { addCampaigns } from "./campaigns.ts";
import { addCheckpoint } from "./checkpoint.ts";
import { addControl } from "./control.ts";
import { addDecode } from "./decode.ts";
import { CommandFailure, EXIT } from "./exit-code.ts";
import { addExplain } from "./explain.ts";
import { addInspect } from "./inspect.ts";
import { addPseudonym } from "./pseudonym.ts";
import { addStart, type RunDaemon, runDaemonHere } from "./start.ts";
import { addStatus } from "./status.ts";
import type { Terminal } from "./terminal.ts";
import { addWhyNot } from "./why-not.ts";

/**
 * Runs one `chorus` command. Never throws for what a person can mend: the message is on standard error.
 * @param args without the program's own name. @returns the exit code of interfaces.md 1.
 */
export async function runCommand(
  args: readonly string[],
  terminal: Terminal,
  runDaemon: RunDaemon = runDaemonHere,
): Promise<number> {
  let exitCode: number = EXIT.done;
  const program = programOf(terminal);
  addStart(program, terminal, runDaemon, (code) => {
    exitCode = code;
  });
  addStatus(program, terminal);
  addCampaigns(program, terminal);
  addExplain(program, terminal);
  addWhyNot(program, terminal);
  addInspect(program, terminal);
  addControl(program, terminal);
  addCheckpoint(program, terminal);
  addDecode(program, terminal);
  addPseudonym(program, terminal);
  inherit(program);
  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    return endOf(error, terminal);
  }
}

function programOf(terminal: Terminal): Command {
  return new Command("chorus")
    .description("Decides which audio ad a listener hears next: runs a node, and looks at and controls a running one.")
    .version(releaseVersion, "-v, --version")
    .showHelpAfterError("(add --help for the options)")
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: (text) => terminal.complain(text.trimEnd()),
    })
    .addHelpText(
      "after",
      "\nStart here:\n  chorus start                                          a node with example campaigns\n" +
        "  chorus status                                         in another terminal\n" +
        "  chorus campaigns apply config/examples/campaigns.json\n" +
        "  chorus explain DECISION_ID                            why an answer came out as it did\n\n" +
        "Exit codes: 0 done, 1 a fault, 2 wrong usage or config, 3 not found, 4 cannot reach the node.",
    );
}

/** commander does not hand these on to commands that are added to commands. */
function inherit(command: Command): void {
  command.exitOverride();
  for (const inner of command.commands) inherit(inner.copyInheritedSettings(command));
}

function endOf(error: unknown, terminal: Terminal): number {
  // commander has said it already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  const message = error instanceof Error ? error.message : String(error);
  terminal.complain(`chorus: ${message}`);
  if (error instanceof CommandFailure) return error.exitCode;
  return error instanceof Fault && error.code === "CONFIG_INVALID" ? EXIT.usage : EXIT.fault;
}
