import type { Command } from "commander";
import { readFile } from "node:fs/promises";
import type { CampaignDocument } from "../../protocols/campaign/campaign.ts";
import { CommandFailure, EXIT } from "./exit-code.ts";
import { askAndPrint, type NodeCommandOptions, withNodeOptions } from "./node-command.ts";
import { amountText, table } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** The answer of a change: 200 without, 202 with `lacking`. */
interface Changed {
  readonly version: number;
  readonly changed: number;
  readonly lacking?: readonly string[];
  readonly dryRun?: boolean;
}

export function addCampaigns(program: Command, terminal: Terminal): void {
  const campaigns = program.command("campaigns").description("Campaign documents: apply, list, pause");
  withNodeOptions(campaigns.command("apply <file>"))
    .summary("bring the node's campaigns to what a file says")
    .description(
      "Brings the node's documents to what FILE (JSON; - for standard input) says: whole or not at all.\n" +
        "Documents that FILE does not name stay; repeating it changes nothing. config/examples/campaigns.json is one.",
    )
    .option("--dry-run", "check only, change nothing")
    .action(async (file: string, options: NodeCommandOptions & { readonly dryRun?: boolean }) => {
      const body = await readDocument(file, terminal);
      const dryRun = options.dryRun === true ? "true" : "false";
      await askAndPrint(
        options,
        terminal,
        (client) => client.request("/v1/apply", { method: "POST", query: { dryRun }, body }),
        showChanged,
      );
    });
  withNodeOptions(campaigns.command("list"))
    .description("all campaigns")
    .action((options: NodeCommandOptions) =>
      askAndPrint(options, terminal, (client) => client.request("/v1/campaigns"), showCampaigns),
    );
  withNodeOptions(campaigns.command("pause <id>"))
    .description("stop a campaign from being decided; set its status to active to go on")
    .action((id: string, options: NodeCommandOptions) =>
      askAndPrint(
        options,
        terminal,
        (client) =>
          client.request(`/v1/campaigns/${encodeURIComponent(id)}`, {
            method: "PATCH",
            body: { status: "paused" },
            what: `the campaign ${id}`,
          }),
        showChanged,
      ),
    );
}

async function readDocument(file: string, terminal: Terminal): Promise<unknown> {
  try {
    const text = file === "-" ? new TextDecoder().decode(await terminal.input()) : await readFile(file, "utf8");
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new CommandFailure(EXIT.usage, `cannot read ${file}: ${(error as Error).message}`);
  }
}

function showChanged(answer: unknown): string {
  const { version, changed, lacking, dryRun } = answer as Changed;
  const documents = changed === 1 ? "1 document" : `${changed} documents`;
  if (dryRun === true) return `would change ${documents}; nothing was changed`;
  const served =
    lacking === undefined ? "every shard serves it" : `stored, and not yet served by ${lacking.join(", ")}`;
  return changed === 0 ? "nothing to change" : `changed ${documents}: version ${version}, ${served}`;
}

function showCampaigns(answer: unknown): string {
  const campaigns = answer as readonly (CampaignDocument & { readonly version: number })[];
  if (campaigns.length === 0)
    return "no campaigns: apply some with `chorus campaigns apply config/examples/campaigns.json`";
  const amount = (micros: number | null | undefined): string =>
    micros === null || micros === undefined ? "-" : amountText(micros);
  return table(
    ["ID", "NAME", "STATUS", "TIER", "A DAY", "LIFETIME", "CURRENCY", "ENDS"],
    campaigns.map((one) => [
      one.id,
      one.name,
      one.status,
      one.tier,
      amount(one.budget?.dailyMicros),
      amount(one.budget?.lifetimeMicros),
      one.currency,
      one.endsAt ?? "-",
    ]),
  );
}
