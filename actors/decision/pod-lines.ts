import type { AdSetEntry, CreativeEntry } from "../../protocols/catalog-index.ts";
import type { VetoRow } from "../../protocols/decision-record.ts";
import type { Nanos } from "../../protocols/quantities.ts";
import type { Proposal, RoleVeto } from "../../protocols/roles.ts";
import { type Deliberation, gated, outright, without } from "./deliberation.ts";
import type { HardRules } from "./hard-rules.ts";
import { bidIn } from "./market.ts";
import { Walk } from "./walk.ts";

/** Ad sets among which an answer of several ads is composed: the best ranked that may fill a place of it. */
const LINES_MAX = 32;
const WAVE = 32;

/** An ad set that may fill a place of the answer. */
export interface Line {
  readonly adSet: AdSetEntry;
  /** By slot of the request: those creatives that its rules leave. */
  readonly creatives: readonly (readonly CreativeEntry[])[];
  /** All of them, each once. */
  readonly proposal: Proposal;
  /** What the wallet has for its campaign before this answer. */
  readonly freeNanos: Nanos;
}

/** Walks by tier and bid until enough ad sets are found that no lasting veto stands against. */
export function linesOf(deliberation: Deliberation, words: readonly number[]): readonly Line[] {
  const { rules, snapshots } = deliberation;
  const isMixed = rules.some(({ market }) => market.rates !== null) && snapshots.catalog.currencies.length > 1;
  const walk = new Walk(
    words,
    snapshots.catalog,
    rules.map(({ market }) => market),
  );
  const lines: Line[] = [];
  // The walk is by bids as they are written: where some are converted, all are looked at, and ranked anew.
  while (walk.adSet !== undefined && (isMixed || lines.length < LINES_MAX)) {
    const wave: Omit<Line, "freeNanos">[] = [];
    for (; walk.adSet !== undefined && wave.length < WAVE; walk.advance()) {
      const line = lineOf(walk.adSet, deliberation);
      if (line !== null) wave.push(line);
    }
    lines.push(...lasting(wave, deliberation));
  }
  if (isMixed) lines.sort((one, other) => one.adSet.tier - other.adSet.tier || bidOf(other, rules) - bidOf(one, rules));
  return lines.slice(0, LINES_MAX);
}

function bidOf({ adSet }: Line, rules: readonly HardRules[]): number {
  return Math.max(...rules.map(({ market }) => bidIn(adSet, market) ?? 0));
}

function lineOf(adSet: AdSetEntry, deliberation: Deliberation): Omit<Line, "freeNanos"> | null {
  const { rules, tally } = deliberation;
  const refused = outright(adSet, deliberation);
  const vetoes: VetoRow[] = refused === null ? [] : [refused];
  const creatives = rules.map((of): readonly CreativeEntry[] => {
    const passed = refused === null ? gated(adSet, of, deliberation) : [];
    if ("adSet" in passed) return passed.creatives;
    vetoes.push(...passed);
    return [];
  });
  const all = [...new Set(creatives.flat())];
  if (all.length > 0) return { adSet, creatives, proposal: { adSet, creatives: all } };
  tally.vetoed(adSet, vetoes);
  return null;
}

/** Leaves out what is vetoed for the whole answer; a veto against the next ad only is looked at place by place. */
function lasting(wave: readonly Omit<Line, "freeNanos">[], deliberation: Deliberation): readonly Line[] {
  if (wave.length === 0) return [];
  const { inputs, roles, tally } = deliberation;
  const proposals = wave.map(({ proposal }) => proposal);
  const frequency = roles.frequency({ proposals, sessionStartedMs: inputs.sessionStartedMs, ahead: [] });
  const separation = roles.separation({ proposals, ahead: [] });
  const freeNanos = proposals.map(({ adSet }) => roles.freeNanos(adSet));
  const pacing = roles.pacing({ proposals, freeNanos });
  for (const verdict of [frequency, separation, pacing]) tally.consulted(verdict);
  const objections = [
    { role: "frequency", vetoes: lastingOnly(frequency.answer.vetoes) },
    { role: "separation", vetoes: lastingOnly(separation.answer.vetoes) },
    { role: "pacing", vetoes: lastingOnly(pacing.answer.vetoes) },
  ];
  const left = new Map(without(proposals, objections, tally).map((proposal) => [proposal.adSet, proposal]));
  return wave.flatMap((line, position) => {
    const proposal = left.get(line.adSet);
    if (proposal === undefined) return [];
    const creatives = line.creatives.map((of) => of.filter((creative) => proposal.creatives.includes(creative)));
    return [{ ...line, creatives, proposal, freeNanos: freeNanos[position] ?? 0 }];
  });
}

const lastingOnly = (vetoes: readonly RoleVeto[]): readonly RoleVeto[] =>
  vetoes.filter(({ reachAds }) => reachAds === undefined);
