import { parseArgs } from "node:util";
import { UsageError } from "./usage-error.ts";

export interface EvaluateCommand {
  /** Ids as given, in capitals; none: all. */
  readonly only: readonly string[];
  readonly world: string | null;
  /** Null: the form's own. */
  readonly seeds: readonly number[] | null;
  readonly full: boolean;
  /** Where the JSON goes besides the table on stdout. */
  readonly json: string | null;
}

export const USAGE = `npm run evaluate -- [--only L1,L4] [--world FILE] [--seeds 1..5] [--full] [--json FILE]`;

const SEEDS_MAX = 1_000;

/** @throws UsageError for an unknown option or a value that its rule refuses. Ids of bars are not checked here. */
export function readCommandLine(args: readonly string[]): EvaluateCommand {
  const values = parse(args);
  return {
    only: (values.only ?? []).flatMap((ids) => ids.split(",")).map((id) => id.trim().toUpperCase()),
    world: values.world ?? null,
    seeds: values.seeds === undefined ? null : readSeeds(values.seeds),
    full: values.full,
    json: values.json ?? null,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: "string", multiple: true },
        world: { type: "string" },
        seeds: { type: "string" },
        full: { type: "boolean", default: false },
        json: { type: "string" },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** `7`, `1,2,9` or `1..5`, both ends included. */
function readSeeds(text: string): number[] {
  const range = /^(\d{1,15})\.\.(\d{1,15})$/.exec(text);
  if (range !== null) {
    const [first, last] = [Number(range[1]), Number(range[2])];
    if (last < first) throw new UsageError(`--seeds ${text}: must not fall`);
    if (last - first >= SEEDS_MAX) throw new UsageError(`--seeds ${text}: ${SEEDS_MAX} at most`);
    return Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
  }
  if (!/^\d{1,15}(,\d{1,15})*$/.test(text))
    throw new UsageError(`--seeds ${text}: must be whole numbers, as 1..5, 1,2,9 or 7`);
  const seeds = [...new Set(text.split(",").map(Number))];
  if (seeds.length > SEEDS_MAX) throw new UsageError(`--seeds: ${SEEDS_MAX} at most`);
  return seeds;
}
