import type { Command } from "commander";
import type { ExplainView } from "../../protocols/explanation.ts";
import { askAndPrint, type NodeCommandOptions, withNodeOptions } from "./node-command.ts";
import { amountText, table } from "./table.ts";
import type { Terminal } from "./terminal.ts";

export function addExplain(program: Command, terminal: Terminal): void {
  withNodeOptions(program.command("explain <decision-id>"))
    .summary("why a decision came out as it did")
    .description(
      "Why a decision came out as it did: who was proposed, vetoed by what, priced how, and what happened after.\n" +
        "The id is the header x-chorus-decision of the answer, or `bidid` of a bid.",
    )
    .action((id: string, options: NodeCommandOptions) => {
      const what = `the decision ${id}; decisions are kept for 30 days`;
      const path = `/v1/decisions/${encodeURIComponent(id)}`;
      return askAndPrint(options, terminal, (client) => client.request(path, { what }), showDecision);
    });
}

/** A decision for people. @param answer of `GET /v1/decisions/ID`. */
export function showDecision(answer: unknown): string {
  const decision = answer as ExplainView;
  const sections = [
    headOf(decision),
    slotsOf(decision),
    candidatesOf(decision),
    vetoesOf(decision),
    rolesOf(decision),
    eventsOf(decision),
  ];
  return sections.filter((section) => section !== "").join("\n\n");
}

function headOf(decision: ExplainView): string {
  const { campaignId, adSetId, creativeId, priceMicros, floorMicros, currency } = decision;
  const outcome =
    decision.outcome === "bid"
      ? `bid: creative ${creativeId} of ad set ${adSetId}, campaign ${campaignId}`
      : `no bid (nbr ${decision.nbr})`;
  const price =
    priceMicros === null
      ? ""
      : `price ${amountText(priceMicros)} ${currency ?? ""} an impression, floor ${amountText(floorMicros)}, ` +
        `probability ${decision.propensity}`;
  const { childSafe, ...allowances } = decision.capabilities;
  const allowed = Object.entries(allowances).flatMap(([name, allows]) => (allows ? [name] : []));
  return [
    `${decision.at}  ${outcome}${decision.test ? "  (test)" : ""}`,
    price,
    `consent allows: ${allowed.join(", ") || "nothing"};${childSafe ? " child-safe ads only;" : ""} catalog version ${decision.versions.catalog}`,
    `${decision.proposed} ad sets proposed, ${decision.considered} looked at`,
  ]
    .filter((line) => line !== "")
    .join("\n");
}

function slotsOf({ slots }: ExplainView): string {
  if (slots.length === 0) return "";
  const rows = slots.map((one, place) => [
    place + 1,
    one.impId ?? "-",
    one.campaignId ?? "no ad",
    one.creativeId ?? "-",
    one.dealId ?? "-",
    one.priceMicros === null ? "-" : amountText(one.priceMicros),
    one.propensity,
    one.billing.stage,
  ]);
  return table(["PLACE", "IMP", "CAMPAIGN", "CREATIVE", "DEAL", "PRICE", "PROBABILITY", "BILLING"], rows);
}

function candidatesOf({ candidates }: ExplainView): string {
  if (candidates.length === 0) return "";
  const rows = candidates.map((one) => [
    one.campaignId,
    one.adSetId,
    one.creativeId,
    amountText(one.scoreMicros),
    one.terms.map(({ role, micros, why }) => `${role} ${amountText(micros)} (${why})`).join(", ") || "-",
    one.vetoes.map(({ role, reason, rule }) => `${role}: ${reason} (${rule})`).join(", ") || "-",
  ]);
  return table(["CAMPAIGN", "AD SET", "CREATIVE", "SCORE", "PRICES", "VETOES"], rows);
}

function vetoesOf({ vetoCounts }: ExplainView): string {
  const rows = Object.entries(vetoCounts).sort(([, one], [, other]) => other - one);
  return rows.length === 0 ? "" : table(["VETO", "AD SETS"], rows);
}

function rolesOf({ roles }: ExplainView): string {
  const rows = roles.map((one) => [one.role, one.variant, one.version, one.outcome, one.micros]);
  return rows.length === 0 ? "" : table(["ROLE", "VARIANT", "VERSION", "OUTCOME", "MICROSECONDS"], rows);
}

function eventsOf({ events }: ExplainView): string {
  if (events.length === 0) return "no events";
  return table(
    ["AD", "EVENT", "AT"],
    events.map(({ slot, event, at }) => [slot + 1, event, at]),
  );
}
