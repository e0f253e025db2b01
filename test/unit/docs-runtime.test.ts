import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const page = readFileSync(new URL("../../docs/runtime.md", import.meta.url), "utf8");
const promises = [...page.matchAll(/^\| (.+?) +\| `(test\/[^`]+)` "(.+)" +\|$/gm)].map(
  ([, promise = "", file = "", title = ""]) => ({ promise, file, title }),
);

test("every promise of docs/runtime.md names a test", () => {
  const rows = page.split("\n").filter((line) => line.startsWith("| ") && !/^\| (promise|-)/.test(line));
  expect(promises).toHaveLength(rows.length);
  expect(rows.length).toBeGreaterThan(25);
});

test.each(promises)("the test that holds it is there: $promise", ({ file, title }) => {
  const url = new URL(`../../${file}`, import.meta.url);
  expect(existsSync(url)).toBe(true);
  expect(readFileSync(url, "utf8")).toContain(title);
});
