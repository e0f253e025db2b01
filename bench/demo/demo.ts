import { parseArgs } from "node:util";
import type { ExplainView } from "../../protocols/explanation.ts";
import { showDecision } from "../../runtime/cli/explain.ts";
import { UsageError, wholeNumber } from "../load/command-line.ts";
import { bidTemplate } from "../load/bid-requests.ts";
import { Daemon } from "../load/daemon.ts";
import { CAMPAIGNS, demoDocument } from "./campaigns.ts";
import { comparedFigures, type Disagreement } from "./figures.ts";
import { Listener } from "./listener.ts";
import { Scoreboard } from "./scoreboard.ts";
import { picture, show } from "./screen.ts";

/*
 * `npm run demo`: a real node, and a few hundred listeners over HTTP who live faster than we do. Ends by itself. Exit codes: 0 all went
 * well and the node's figures are those of the listeners; 1 not; 2 wrong usage.
 */

const USAGE = "npm run demo -- [--listeners 300] [--seconds 45] [--speed 30] [--seed 1]";
const SHOW_MS = 500;
const LINE_MS = 5_000;
/** Explained in the summary, at most. */
const EXPLAINED = 2;

interface Wishes {
  readonly listeners: number;
  readonly seconds: number;
  readonly speed: number;
  readonly seed: number;
}

function wishesOf(args: readonly string[]): Wishes {
  const text = { type: "string" } as const;
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { listeners: text, seconds: text, speed: text, seed: text },
    });
    return {
      listeners: wholeNumber("listeners", values.listeners, 300, 1, 2_000),
      seconds: wholeNumber("seconds", values.seconds, 45, 5, 600),
      speed: wholeNumber("speed", values.speed, 30, 1, 200),
      seed: wholeNumber("seed", values.seed, 1, 0, 1_000_000),
    };
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(error instanceof Error ? error.message : String(error));
  }
}

async function listen(daemon: Daemon, wishes: Wishes, score: Scoreboard, interrupted: AbortSignal): Promise<void> {
  const { listeners, seconds, speed, seed } = wishes;
  const template = await bidTemplate();
  const signal = AbortSignal.any([interrupted, AbortSignal.timeout(seconds * 1_000)]);
  const endMs = performance.now() + seconds * 1_000;
  const crowd = Array.from({ length: listeners }, (_, number) =>
    new Listener({ url: daemon.url, seed, number, speed, score, signal }, template).listen(),
  );
  const shown = setInterval(() => show(score, endMs - performance.now()), process.stdout.isTTY ? SHOW_MS : LINE_MS);
  await Promise.all(crowd);
  clearInterval(shown);
}

async function summarise(daemon: Daemon, score: Scoreboard): Promise<readonly Disagreement[]> {
  process.stdout.write(`\n${picture(score, 0)}\n\n`);
  const disagreements = await comparedFigures(
    (id) => daemon.admin(`/v1/campaigns/${id}/delivery`),
    score,
    CAMPAIGNS.map(({ id }) => id),
  );
  for (const { campaign, figure, listeners, node } of disagreements)
    process.stdout.write(`${campaign}: the listeners count ${figure} ${listeners}, the node ${node}\n`);
  if (disagreements.length === 0)
    process.stdout.write("The node's figures of impressions, completes, skips and money are those of the listeners.\n");
  const chosen = [...score.notable].filter(([what]) => what.startsWith("nbr")).slice(0, EXPLAINED);
  for (const [what, decisionId] of chosen) {
    const explained = JSON.parse(await daemon.admin(`/v1/decisions/${decisionId}`)) as ExplainView;
    process.stdout.write(
      `\nWhy was there no ad (${what}, chorus explain ${decisionId})?\n${showDecision(explained)}\n`,
    );
  }
  return disagreements;
}

async function main(args: readonly string[], interrupted: AbortSignal): Promise<boolean> {
  const wishes = wishesOf(args);
  process.stderr.write("starting a node in an empty folder (the first time ever fetches or builds nats-server)\n");
  await using daemon = await Daemon.start(interrupted);
  await daemon.apply(demoDocument());
  const score = new Scoreboard();
  await listen(daemon, wishes, score, interrupted);
  const disagreements = await summarise(daemon, score);
  for (const failure of score.failures) process.stdout.write(`failed: ${failure}\n`);
  return disagreements.length === 0 && score.failures.length === 0 && score.bids > 0;
}

const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => interrupted.abort());
try {
  process.exitCode = (await main(process.argv.slice(2), interrupted.signal)) ? 0 : 1;
} catch (error) {
  if (error instanceof UsageError) {
    process.stderr.write(`demo: ${error.message}\n${USAGE}\n`);
    process.exitCode = 2;
  } else {
    process.stderr.write(`demo: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  }
}
