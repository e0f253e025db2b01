import type { Command } from "commander";
import { CommandFailure, EXIT } from "./exit-code.ts";
import { askAndPrint, type NodeCommandOptions, withNodeOptions } from "./node-command.ts";
import type { Terminal } from "./terminal.ts";

interface TargetOptions extends NodeCommandOptions {
  readonly mail?: string;
}

export function addControl(program: Command, terminal: Terminal): void {
  const control = program
    .command("control")
    .summary("act on a running node")
    .description(
      "Acts on a running node; each act is written to the audit log (stream CHORUS_AUDIT) before it is done.",
    )
    .addHelpText(
      "after",
      "\nAn actor is named by KIND and KEY, KEY@PARTITION where the key does not say where it lives; LETTER is a dead letter's\n" +
        "name as `chorus inspect dead-letters` lists it. An act is answered when it is durable.\n\n" +
        "Examples:\n  chorus control pause budget spring\n  chorus control pause --mail 3\n  chorus control retry 3-17-0\n\n" +
        'The same over NATS, with the operator\'s key: nats req chorus.control.pause \'{"kind":"budget","key":"spring"}\'',
    );
  addPause(control, terminal);
  addLetters(control, terminal);
  withNodeOptions(control.command("restart <kind> [key]"))
    .description("let an actor that supervision stopped run again, or a kind that it stopped as a whole")
    .addHelpText(
      "after",
      "\nMend the cause first: `chorus inspect actor KIND KEY` shows its last error. What became a dead letter meanwhile\n" +
        "stays one; timers that came due fire at once.",
    )
    .action((kind: string, key: string | undefined, options: NodeCommandOptions) =>
      act({ verb: "restart", ...target(kind, key) }, options, terminal),
    );
  withNodeOptions(control.command("drain"))
    .description("stop the node cleanly: accept nothing new, finish, ship, exit with 0; as SIGTERM does")
    .action((options: NodeCommandOptions) => act({ verb: "drain", body: {}, what: "the node" }, options, terminal));
  withNodeOptions(control.command("accept-gap <partition>"))
    .description("resume mail of a partition that waits for messages which are lost (MAIL_GAP)")
    .action((text: string, options: NodeCommandOptions) =>
      act(
        { verb: "accept-gap", body: { partition: partitionOf(text) }, what: `the partition ${text}` },
        options,
        terminal,
      ),
    );
  addLearners(control, terminal);
}

function addLearners(control: Command, terminal: Terminal): void {
  withNodeOptions(control.command("freeze <learner>"))
    .description("let a learner publish nothing new; it counts on")
    .option("--off", "let it publish again")
    .addHelpText("after", "\nLEARNER as `chorus inspect learners` lists it: creative.CAMPAIGN.")
    .action((learner: string, options: NodeCommandOptions & { readonly off?: boolean }) =>
      act(
        { verb: "freeze", body: { learner, frozen: options.off !== true }, what: `the learner ${learner}` },
        options,
        terminal,
      ),
    );
  withNodeOptions(control.command("reset <learner>"))
    .description("let a learner forget everything, and begin anew")
    .action((learner: string, options: NodeCommandOptions) =>
      act({ verb: "reset", body: { learner }, what: `the learner ${learner}` }, options, terminal),
    );
}

function addPause(control: Command, terminal: Terminal): void {
  const suspend = (verb: "pause" | "resume", description: string, help: string): void => {
    withNodeOptions(control.command(`${verb} [kind] [key]`))
      .description(description)
      .option("--mail <partition>", "the mail of a partition, instead of a kind or an actor")
      .addHelpText("after", help)
      .action((kind: string | undefined, key: string | undefined, options: TargetOptions) =>
        act({ verb, ...suspended(kind, key, options.mail) }, options, terminal),
      );
  };
  suspend(
    "pause",
    "let an actor, all of a kind, or the mail of a partition wait",
    "\nA paused actor's mail waits in its stash (256 messages; then the oldest becomes a dead letter), its timers wait, and\n" +
      "asks of it are refused with ACTOR_PAUSED: a bid gets no ad, a beacon goes by mail. A pause outlives restarts.\n" +
      "Paused mail waits in JetStream; asks and timers of the partition go on.",
  );
  suspend(
    "resume",
    "end a pause: what waits is handled in its order",
    "\nTimers that came due meanwhile fire at once.",
  );
}

function addLetters(control: Command, terminal: Terminal): void {
  withNodeOptions(control.command("retry <letter>"))
    .description("run a dead letter once more, as a new message; it is gone in that same commit")
    .addHelpText(
      "after",
      "\nIts order among the actor's other messages is lost. When it fails again it is tried as any message is, and then\n" +
        "becomes another dead letter, whose retryOf names this one. Mend the cause first.",
    )
    .action((letter: string, options: NodeCommandOptions) =>
      act({ verb: "retry", body: { letter }, what: `the dead letter ${letter}` }, options, terminal),
    );
  withNodeOptions(control.command("drop <letter>"))
    .description("delete a dead letter; its copy in CHORUS_DLQ stays 30 days")
    .action((letter: string, options: NodeCommandOptions) =>
      act({ verb: "drop", body: { letter }, what: `the dead letter ${letter}` }, options, terminal),
    );
}

function suspended(kind: string | undefined, key: string | undefined, mail: string | undefined): Omit<Act, "verb"> {
  if (mail === undefined && kind !== undefined) return target(kind, key);
  if (mail !== undefined && kind === undefined)
    return { body: { partition: partitionOf(mail) }, what: `the mail of partition ${mail}` };
  throw new CommandFailure(EXIT.usage, "name a KIND, a KIND and a KEY, or --mail PARTITION");
}

function target(kind: string, keyAndPartition: string | undefined): Omit<Act, "verb"> {
  if (keyAndPartition === undefined) return { body: { kind }, what: `the kind ${kind}` };
  const [key, partition] = keyAndPartition.split("@");
  const home = partition === undefined ? {} : { partition: partitionOf(partition) };
  return { body: { kind, key, ...home }, what: `the actor ${kind} ${keyAndPartition}` };
}

function partitionOf(text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw new CommandFailure(EXIT.usage, `${text} is no partition: give its number`);
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
    doneText,
  );
}

/** What came of a retry is worth a word: it may have failed again. */
function doneText(answer: unknown): string {
  const { became, partitions, others } = answer as { became?: string; partitions?: readonly number[]; others?: string };
  if (became !== undefined) return `done: ${became}`;
  if (partitions === undefined) return "done";
  return `done in partitions ${partitions.join(", ")}${others === undefined ? "" : `; elsewhere: ${others}`}`;
}
