import { parseArgs } from "node:util";
import type { LoadSettings } from "./workbench.ts";

export interface BenchCommand {
  /** Names as given; none: all. */
  readonly scenarios: readonly string[];
  readonly runs: number;
  readonly settings: LoadSettings;
  /** Where the JSON goes besides the table on stdout. */
  readonly json: string | null;
}

/** The command line is wrong; the message says how. */
export class UsageError extends Error {}

export const USAGE = `npm run bench -- [--scenario NAME]… [--runs 5] [--seconds 10] [--json FILE]
                 [--rate 500] [--listeners 10000] [--campaigns 100] [--caps PER_DAY] [--connections 64]
                 [--keys 100000] [--actors 1000000] [--shards 0]`;

/** @throws UsageError for an unknown option or a number out of bounds. Names of scenarios are not checked here. */
export function readCommandLine(args: readonly string[]): BenchCommand {
  const values = parse(args);
  return {
    scenarios: values.scenario ?? [],
    runs: wholeNumber("runs", values.runs, 5, 1, 100),
    json: values.json ?? null,
    settings: {
      seconds: wholeNumber("seconds", values.seconds, 10, 1, 300),
      ratePerSecond: wholeNumber("rate", values.rate, 500, 1, 20_000),
      listeners: wholeNumber("listeners", values.listeners, 10_000, 1, 200_000),
      campaigns: wholeNumber("campaigns", values.campaigns, 100, 1, 20_000),
      capPerDay: wholeNumber("caps", values.caps, 0, 0, 100),
      connections: wholeNumber("connections", values.connections, 64, 1, 1_024),
      keys: wholeNumber("keys", values.keys, 100_000, 100, 10_000_000),
      actors: wholeNumber("actors", values.actors, 1_000_000, 1_000, 10_000_000),
      shards: wholeNumber("shards", values.shards, 0, 0, 16),
    },
  };
}

function parse(args: readonly string[]) {
  const text = { type: "string" } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        scenario: { type: "string", multiple: true },
        runs: text,
        seconds: text,
        json: text,
        rate: text,
        listeners: text,
        campaigns: text,
        caps: text,
        connections: text,
        keys: text,
        actors: text,
        shards: text,
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** @throws UsageError for what is none, or out of bounds. */
export function wholeNumber(
  name: string,
  text: string | undefined,
  standard: number,
  least: number,
  most: number,
): number {
  const value = text === undefined ? standard : Number(text);
  if (text?.trim() !== "" && Number.isInteger(value) && value >= least && value <= most) return value;
  throw new UsageError(`--${name} ${text}: must be a whole number from ${least} to ${most}`);
}
