import { readFileSync } from "node:fs";
import { UsageError } from "./usage-error.ts";

/** A parameter file of the simulator, as it stands; the bars that use worlds check its fields. */
export interface WorldFile {
  readonly path: string;
  readonly value: unknown;
}

/** @throws UsageError naming the file and what is wrong with it. */
export function readWorldFile(path: string): WorldFile {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`--world ${path}: cannot be read (${reason(error)})`);
  }
  try {
    return { path, value: JSON.parse(text) as unknown };
  } catch (error) {
    throw new UsageError(`--world ${path}: is no JSON (${reason(error)})`);
  }
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));
