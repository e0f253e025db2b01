import type { Command } from "commander";
import { setTimeout as delay } from "node:timers/promises";
import { AdminClient } from "./admin-client.ts";
import { CommandFailure, EXIT } from "./exit-code.ts";
import { type NodeCommandOptions, withNodeOptions } from "./node-command.ts";
import type { Terminal } from "./terminal.ts";

/** Between two looks at what a tap has seen. */
const LOOK_MS = 200;
const FOR_MAX_S = 300;
const COUNT_MAX = 1_000;

interface TapOptions extends NodeCommandOptions {
  readonly count: string;
  readonly for: string;
  readonly payloads?: boolean;
}

interface Page {
  readonly messages: readonly {
    readonly atMs: number;
    readonly form: string;
    readonly message: string;
    readonly bytes: number;
    readonly micros: number;
    readonly fault: { readonly code: string; readonly message: string } | null;
    readonly dropped: number;
    readonly payload?: unknown;
  }[];
  readonly next: number;
  readonly ended: { readonly why: string; readonly seen?: number; readonly dropped?: number } | null;
}

/** `chorus inspect tap`: an actor's messages as it handles them. */
export function addTap(inspect: Command, terminal: Terminal): void {
  withNodeOptions(inspect.command("tap <kind> <key>"))
    .description("one actor's messages, as it handles them: type, size, time taken, fault")
    .option("--count <n>", `messages after which it ends, at most ${COUNT_MAX}`, "20")
    .option("--for <seconds>", `seconds after which it ends, at most ${FOR_MAX_S}`, "30")
    .option("--payloads", "show payloads too, without what may be personal; the audit log says so")
    .addHelpText(
      "after",
      "\nAt most 100 messages a second are shown; how many were left out is told. With --json each message is a line.\n" +
        "Examples:\n  chorus inspect tap listener $(chorus pseudonym USER-ID) --for 60\n" +
        "  chorus inspect tap wallet w3 --payloads\n\n" +
        'The same over NATS: nats req chorus.control.tap \'{"kind":"budget","key":"spring"}\', then\n' +
        "nats sub 'chorus.events.*.tap.>'",
    )
    .action(async (kind: string, keyAndPartition: string, options: TapOptions) => {
      const client = await AdminClient.find(options, terminal);
      const [key, partition] = keyAndPartition.split("@");
      const body = {
        kind,
        key,
        ...(partition === undefined ? {} : { partition: wholeNumber("the partition", partition, 65_535) }),
        count: wholeNumber("--count", options.count, COUNT_MAX),
        forMs: 1_000 * wholeNumber("--for", options.for, FOR_MAX_S),
        payloads: options.payloads === true,
      };
      const what = `the actor ${kind} ${keyAndPartition}`;
      const started = (await client.request("/v1/control/tap", { method: "POST", body, what })) as { tap: string };
      await follow(client, started.tap, options.json === true, terminal);
    });
}

async function follow(client: AdminClient, tap: string, asJson: boolean, terminal: Terminal): Promise<void> {
  for (let after = 0; ;) {
    const body = { tap, after };
    const page = (await client.request("/v1/control/tap", { method: "POST", body, what: `the tap ${tap}` })) as Page;
    for (const message of page.messages) terminal.print(asJson ? JSON.stringify(message) : lineOf(message));
    after = page.next;
    if (page.ended !== null) {
      if (!asJson) terminal.print(endOf(page.ended));
      return;
    }
    await delay(LOOK_MS);
  }
}

function lineOf({ atMs, form, message, bytes, micros, fault, dropped, payload }: Page["messages"][number]): string {
  const missed = dropped === 0 ? "" : `(${dropped} not shown)\n`;
  const outcome = fault === null ? "" : `  ${fault.code}: ${fault.message}`;
  const shown = payload === undefined ? "" : `  ${JSON.stringify(payload)}`;
  return `${missed}${new Date(atMs).toISOString()}  ${form} ${message}  ${bytes} B  ${micros} µs${outcome}${shown}`;
}

function endOf({ why, seen, dropped }: NonNullable<Page["ended"]>): string {
  if (why === "lost") return "the shard's thread was replaced: the tap is gone";
  return `${seen ?? 0} messages seen, ${dropped ?? 0} not shown`;
}

function wholeNumber(name: string, text: string, most: number): number {
  const value = Number(text);
  if (/^\d{1,7}$/.test(text) && value <= most) return value;
  throw new CommandFailure(EXIT.usage, `${name} = ${text}: must be a whole number up to ${most}`);
}
