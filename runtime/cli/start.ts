import type { Command } from "commander";
import type { Settings } from "../../config/schema.ts";
import { nodeSettings } from "./node-settings.ts";
import type { Terminal } from "./terminal.ts";

interface StartOptions {
  readonly config?: string;
  readonly data?: string;
  readonly http?: string;
  readonly admin?: string;
  readonly nats?: string;
  readonly natsPort?: string;
  readonly node?: string;
  readonly shards?: string;
  readonly readyFile?: string;
  readonly logLevel?: string;
  /** commander: false after --no-examples, else true. */
  readonly examples: boolean;
}

/** Runs the daemon; a function so that the other commands do not load it. */
export type RunDaemon = (settings: Settings, terminal: Terminal) => Promise<number>;

export const runDaemonHere: RunDaemon = async (settings, terminal) => {
  const { runDaemon } = await import("../host/run-daemon.ts");
  return runDaemon(settings, {
    environment: terminal.environment,
    print: (line) => terminal.print(line),
    complain: (line) => terminal.complain(line),
  });
};

export function addStart(program: Command, terminal: Terminal, run: RunDaemon, ended: (code: number) => void): void {
  program
    .command("start")
    .summary("run a node until SIGTERM or Ctrl-C")
    .description(
      "Runs a node until SIGTERM or Ctrl-C, which drain it.\n\n" +
        "Settings come from, each before the last: defaults, --config FILE (JSON), the environment (CHORUS_HTTP,\n" +
        "CHORUS_DATA, CHORUS_NATS_PORT, …), these options. Into an empty data folder the example campaigns are loaded.",
    )
    .option("--config <file>", "settings as JSON; CHORUS_CONFIG names one too")
    .option("--data <dir>", "folder of everything the node keeps (default: ./chorus-data)")
    .option("--http <host:port>", "where players and exchanges call; port 0 = any free one (default: 127.0.0.1:8080)")
    .option("--admin <host:port>", "where operators call; port 0 = any free one (default: 127.0.0.1:8081)")
    .option("--nats <managed|url>", "managed: the node runs its own nats-server (the default); else the URL of yours")
    .option("--nats-port <port>", "port of the managed nats-server (default: any free one)")
    .option("--node <name>", "name of this node in subjects (default: node-1)")
    .option("--shards <n>", "shard threads (default: half the cores, at least one)")
    .option("--ready-file <file>", "written when the node serves: its addresses and tokens; removed at a clean stop")
    .option("--log-level <level>", "fatal, error, warn, info, debug, trace or silent (default: info)")
    .option("--no-examples", "leave an empty data folder without the example campaigns")
    .addHelpText(
      "after",
      "\nExamples:\n  chorus start\n  chorus start --data /var/lib/chorus --http 0.0.0.0:8080 --no-examples\n" +
        "  chorus start --http 127.0.0.1:0 --admin 127.0.0.1:0 --ready-file ready.json",
    )
    .action(async (options: StartOptions) => {
      ended(await run(await settingsOf(options, terminal), terminal));
    });
}

/** @throws Fault CONFIG_INVALID with every wrong setting. */
function settingsOf(options: StartOptions, terminal: Terminal): Promise<Settings> {
  const overrides = {
    data: options.data,
    http: options.http,
    admin: options.admin,
    "nats.server": options.nats,
    "nats.port": numberOrText(options.natsPort),
    node: options.node,
    shards: numberOrText(options.shards),
    readyFile: options.readyFile,
    logLevel: options.logLevel,
    examples: options.examples ? undefined : false,
  };
  return nodeSettings(options.config, overrides, terminal);
}

/** What is no number stays as it was typed, so that the message shows it. */
function numberOrText(text: string | undefined): number | string | undefined {
  return text === undefined || !/^\d+$/.test(text) ? text : Number(text);
}
