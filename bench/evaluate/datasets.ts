import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

/**
 * Public data and the results of public tools on it (`reference.json`). They lie beside the repository, never in it, because some carry
 * no licence; CHORUS_DATASETS names another place.
 */
export interface Datasets {
  readonly root: string;
  /** What the named tools say about these files. */
  readonly reference: unknown;
  /** The columns of a CSV file, by name; text that is no number becomes NaN in `numbers`. */
  csv(path: string): CsvColumns;
}

export interface CsvColumns {
  readonly rows: number;
  numbers(name: string): Float64Array;
  texts(name: string): readonly string[];
}

export function datasetsRoot(): string {
  return process.env["CHORUS_DATASETS"] ?? resolve(import.meta.dirname, "../../../shared/datasets");
}

/** @returns null where there are none at `root`. */
export function openDatasets(root = datasetsRoot()): Datasets | null {
  const reference = join(root, "reference.json");
  if (!existsSync(reference)) return null;
  return {
    root,
    reference: JSON.parse(readFileSync(reference, "utf8")) as unknown,
    csv: (path) => parseCsv(readFileSync(join(root, path), "utf8"), path),
  };
}

/** The files have no quoted fields, so a line is split at its commas. */
export function parseCsv(text: string, name: string): CsvColumns {
  const [head = "", ...lines] = text.trimEnd().split(/\r?\n/);
  const names = head.split(",");
  const cells = lines.map((line) => line.split(","));
  const position = (column: string): number => {
    const at = names.indexOf(column);
    if (at === -1) throw new Error(`${name} has no column ${column}; it has: ${names.join(", ")}`);
    return at;
  };
  return {
    rows: lines.length,
    numbers(column) {
      const at = position(column);
      return Float64Array.from(cells, (row) => Number.parseFloat(row[at] ?? ""));
    },
    texts(column) {
      const at = position(column);
      return cells.map((row) => row[at] ?? "");
    },
  };
}
