import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { loadSettings } from "../../config/loader.ts";
import { type OutsideQuestion, OUTSIDE_ROLES, readAnswer } from "../../protocols/outside-agent.ts";
import { JSON_TEXT } from "../../protocols/subjects.ts";
import { castRoles } from "../../runtime/host/roster.ts";

const PAGE = readFileSync(new URL("../../docs/outside-agents.md", import.meta.url), "utf8");

/** The JSON blocks below a heading, up to the next one. */
function blocksUnder(heading: string): string[] {
  const from = PAGE.indexOf(`\n${heading}\n`);
  if (from === -1) throw new Error(`no heading ${heading}`);
  const [section = ""] = PAGE.slice(from + heading.length + 1).split(/\n##/);
  return [...section.matchAll(/```json\n([^]*?)```/g)].map(([, block = ""]) => block);
}

const [question = ""] = blocksUnder("## The question");

test("the settings that docs/outside-agents.md shows are taken, and cast an agent outside for each role in it", () => {
  const [fileText = ""] = blocksUnder("## Try it");
  const roster = castRoles(loadSettings({ fileText, environment: {}, overrides: {} }));
  const outside = [...roster.personalisation, ...roster.frequency].filter(({ agent }) => agent.outside !== undefined);
  expect(outside.map(({ agent }) => `${agent.role}/${agent.variant}`)).toEqual([
    "personalisation/short-ads",
    "frequency/calm",
  ]);
});

test("every answer that the page shows is one, and each role shows one", () => {
  const shown = new Set<string>();
  for (const heading of PAGE.split("\n").filter((line) => line.startsWith("### `"))) {
    const roles = OUTSIDE_ROLES.filter((role) => heading.includes(`\`${role}\``));
    for (const role of roles) {
      const [block = ""] = blocksUnder(heading);
      const asked = JSON.parse(question) as OutsideQuestion;
      const spring = { ...asked.candidates?.[0], adSetId: "spring-de", creatives: [{ creativeId: "spring-30" }] };
      const candidates = [...(asked.candidates ?? []), spring] as OutsideQuestion["candidates"];
      const bytes = new TextEncoder().encode(block);
      expect(readAnswer(role, { ...asked, candidates: candidates ?? [] }, bytes, JSON_TEXT)).toMatchObject({ v: 1 });
      shown.add(role);
    }
  }
  expect([...shown].sort()).toEqual([...OUTSIDE_ROLES].sort());
});

test("every field of a question is in the page's table", () => {
  const { candidates = [], context, ...rest } = JSON.parse(question) as OutsideQuestion;
  const [section = ""] = PAGE.slice(PAGE.indexOf("\n## The question\n") + 1).split("\n## ");
  const names = [rest, context, ...candidates, ...candidates.flatMap(({ creatives }) => creatives)].flatMap(
    Object.keys,
  );
  for (const name of new Set([...names, "traffic", "candidates", "context", "client", "datacenter", "recent"]))
    expect(section, name).toMatch(new RegExp(`\\|.*\`[^\`|]*\\b${name}\\b[^\`|]*\``));
});
