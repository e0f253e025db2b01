import type { Command } from "commander";
import type { WhyNotDay, WhyNotView } from "../../protocols/why-not.ts";
import { askAndPrint, type NodeCommandOptions, withNodeOptions } from "./node-command.ts";
import { table } from "./table.ts";
import type { Terminal } from "./terminal.ts";

interface WhyNotCommandOptions extends NodeCommandOptions {
  readonly since?: string;
  readonly until?: string;
}

export function addWhyNot(program: Command, terminal: Terminal): void {
  withNodeOptions(program.command("why-not <campaign>"))
    .summary("why a campaign was not served")
    .description(
      "Why a campaign was not served: what became of it in the decisions of each of its days, and which vetoes spoke against it.",
    )
    .option("--since <time>", "from this instant on (RFC 3339); default: when yesterday began in the campaign's zone")
    .option("--until <time>", "before this instant; default: now")
    .action((campaign: string, options: WhyNotCommandOptions) => {
      const { since, until } = options;
      const path = `/v1/campaigns/${encodeURIComponent(campaign)}/why-not`;
      const what = `the campaign ${campaign}`;
      return askAndPrint(
        options,
        terminal,
        (client) => client.request(path, { query: { since, until }, what }),
        showWhyNot,
      );
    });
}

const FATES = ["won", "outbid", "vetoed", "refused", "absent", "unseen"] as const;

function showWhyNot(answer: unknown): string {
  const { campaignId, timezone, since, until, complete, days } = answer as WhyNotView;
  const head = `${campaignId}, from ${since} to ${until}, days of ${timezone}`;
  if (days.length === 0) return `${head}\n\nno decisions`;
  const fates = table(
    ["DAY", "DECISIONS", ...FATES.map((fate) => fate.toUpperCase())],
    days.map((day) => [day.day, day.decisions, ...FATES.map((fate) => day[fate])]),
  );
  const reasons = days.flatMap(reasonsOf);
  const sections = [head, fates, reasons.length === 0 ? "no vetoes" : table(["DAY", "REASON", "DECISIONS"], reasons)];
  if (!complete) sections.push("there was too much to read: this is the newest part of it; ask for less");
  return sections.join("\n\n");
}

/** The most frequent first. */
function reasonsOf({ day, reasons }: WhyNotDay): [string, string, number][] {
  const rows = Object.entries(reasons).map(([reason, count]): [string, string, number] => [day, reason, count]);
  return rows.sort(([, , one], [, , other]) => other - one);
}
