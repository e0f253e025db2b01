import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const repository = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, repository), "utf8");
const page = read("docs/privacy.md");
/** Which file a letter stands for, by the page's first table. */
const files = new Map(
  [...page.matchAll(/^\| ([A-Z]) +\| `(test\/[\w/.-]+)`/gm)].map(([, letter, file]) => [letter, file]),
);

test("every test that docs/privacy.md names is there", () => {
  const named = [...page.matchAll(/\b([A-Z]) "([^"]+)"/g)].map(([, letter = "", title = ""]) => ({ letter, title }));
  const missing = named.filter(({ letter, title }) => !read(files.get(letter) ?? "docs/privacy.md").includes(title));
  expect(missing).toEqual([]);
  expect(named.filter(({ letter }) => !files.has(letter))).toEqual([]);
  // Were the page written in another way, nothing would be compared.
  expect(named.length).toBeGreaterThan(40);
});

test.each([
  ["What may be allowed", 7],
  ["Signal by signal", 21],
  ["What is kept, where, for how long", 10],
])("every row of docs/privacy.md under %s names a test", (heading, count) => {
  const from = page.indexOf(`\n## ${heading}\n`);
  const rows = page
    .slice(from, page.indexOf("\n## ", from + 1))
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .slice(2);
  expect(rows.filter((row) => !/[A-Z] "[^"]+" *\|$/.test(row))).toEqual([]);
  expect(rows).toHaveLength(count);
});
