import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { FAULTS } from "../../protocols/errors.ts";

const page = await readFile(new URL("../../docs/errors.md", import.meta.url), "utf8");

/** `| \`CODE\` | disposition | operator |` rows of the page, whatever the widths of the columns. */
function documented(): Record<string, { disposition: string; operator: string }> {
  const rows = page.matchAll(/^\| +`([A-Z_]+)` +\| +(\S+) +\| +(.*?) +\|$/gm);
  return Object.fromEntries(
    Array.from(rows, ([, code = "", disposition = "", operator = ""]) => [code, { disposition, operator }]),
  );
}

test("docs/errors.md lists every fault as the catalogue has it, and no other", () => {
  expect(documented()).toEqual(FAULTS);
});

test("docs/errors.md explains every disposition that a fault can have", () => {
  for (const { disposition } of Object.values(FAULTS))
    expect(page).toMatch(new RegExp(`^\\| ${disposition} +\\|`, "m"));
});
