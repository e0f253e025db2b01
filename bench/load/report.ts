import { readdir, readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { reportTables } from "./result-tables.ts";
import type { BenchReport } from "./scenario-report.ts";

/*
 * Prints the tables of the results kept in bench/results, or puts them into bench/README.md:
 * `node runtime/cli/node.mjs bench/load/report.ts [--write]`.
 */

const BEGIN = "<!-- results: written by bench/load/report.ts --write -->";
const END = "<!-- end of results -->";
const results = new URL("../results/", import.meta.url);
const readme = new URL("../README.md", import.meta.url);

async function keptTables(): Promise<string> {
  const files = (await readdir(results)).filter((name) => name.endsWith(".json")).sort();
  const texts = await Promise.all(files.map((name) => readFile(new URL(name, results), "utf8")));
  return texts.map((text) => reportTables(JSON.parse(text) as BenchReport)).join("\n\n");
}

/** @throws Error when the page has no place for the tables. */
function withTables(page: string, tables: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin === -1 || end < begin) throw new Error(`bench/README.md lacks "${BEGIN}" or "${END}"`);
  return `${page.slice(0, begin)}${BEGIN}\n\n${tables}\n\n${page.slice(end)}`;
}

const { values } = parseArgs({ options: { write: { type: "boolean", default: false } } });
const tables = await keptTables();
if (values.write) await writeFile(readme, withTables(await readFile(readme, "utf8"), tables));
else process.stdout.write(`${tables}\n`);
