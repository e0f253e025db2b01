import { readFileSync } from "node:fs";
import type { FastifyRequest } from "fastify";
import { expect, test } from "vitest";
import { z } from "zod";
import { loadSettings, type SettingFault } from "../../config/loader.ts";
import { Settings } from "../../config/schema.ts";
import { Fault } from "../../protocols/errors.ts";
import { NO_BID_REASONS } from "../../protocols/openrtb/no-bid.ts";
import { bidRequestOfQuery } from "../../runtime/http/vast-query.ts";

/** Rows of the first table below a heading, each a list of its cells. */
function tableUnder(page: string, heading: string): string[][] {
  const text = readFileSync(new URL(`../../docs/${page}`, import.meta.url), "utf8");
  const from = text.indexOf(`\n${heading}\n`);
  if (from === -1) throw new Error(`${page} has no heading ${heading}`);
  const lines = text.slice(from).split("\n");
  const first = lines.findIndex((line) => line.startsWith("|"));
  const rows: string[][] = [];
  for (const line of lines.slice(first + 2)) {
    if (!line.startsWith("|")) break;
    // A bar inside a cell is written \|.
    rows.push(
      line
        .replace(/^\||\|$/g, "")
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim().replaceAll("\\|", "|")),
    );
  }
  return rows;
}

interface SettingSchema {
  readonly properties?: Readonly<Record<string, SettingSchema>>;
  readonly anyOf?: readonly SettingSchema[];
  readonly type?: string | readonly string[];
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: unknown;
}

/** Every setting: its key, its default and its bounds as the page writes them. */
function settingsOf(schema: SettingSchema, path: string): string[][] {
  if (schema.properties !== undefined) {
    return Object.entries(schema.properties).flatMap(([key, inner]) =>
      settingsOf(inner, path === "" ? key : `${path}.${key}`),
    );
  }
  return [[`\`${path}\``, `\`${JSON.stringify(schema.default)}\``, boundsOf(schema)]];
}

function boundsOf(schema: SettingSchema): string {
  const inner = schema.anyOf?.find(({ type }) => type !== "null") ?? schema;
  if (inner.enum !== undefined) return inner.enum.join(", ");
  const [type = ""] = [inner.type].flat();
  if (type !== "integer" && type !== "number") return type;
  const { minimum = Number.MIN_SAFE_INTEGER, maximum = Number.MAX_SAFE_INTEGER } = inner;
  if (minimum <= Number.MIN_SAFE_INTEGER) return type;
  return maximum >= Number.MAX_SAFE_INTEGER ? `from ${grouped(minimum)}` : `${grouped(minimum)} to ${grouped(maximum)}`;
}

const grouped = (value: number): string => value.toLocaleString("en-GB");

test("docs/operating.md lists every setting with its default and bounds", () => {
  const schema = z.toJSONSchema(Settings, { io: "output" }) as SettingSchema;
  const shown = tableUnder("operating.md", "### Settings").map(([key = "", , standard = "", bounds = ""]) => [
    key,
    standard,
    bounds,
  ]);
  expect(shown).toEqual(settingsOf(schema, ""));
});

test("docs/operating.md names the environment variable of every setting", () => {
  for (const [key = "", variable = ""] of tableUnder("operating.md", "### Settings")) {
    const path = key.replaceAll("`", "");
    expect([path, variable, settingThatReads(variable.replaceAll("`", ""))]).toEqual([path, variable, path]);
  }
});

/** Which setting an environment variable is read for: what it makes invalid, or what becomes its text. */
function settingThatReads(variable: string): string | undefined {
  const text = "?";
  try {
    return keyWith(loadSettings({ environment: { [variable]: text }, overrides: {} }), text, "");
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return (error.details["faults"] as readonly SettingFault[])[0]?.key;
  }
}

function keyWith(settings: object, text: string, path: string): string | undefined {
  for (const [key, value] of Object.entries(settings)) {
    const at = path === "" ? key : `${path}.${key}`;
    if (value === text) return at;
    const inner = typeof value === "object" && value !== null ? keyWith(value as object, text, at) : undefined;
    if (inner !== undefined) return inner;
  }
  return undefined;
}

test("docs/http.md lists every no-bid reason by its number", () => {
  const shown = tableUnder("http.md", "### No-bid reasons").map(([nbr = "", reason = ""]) => [nbr, reason]);
  expect(shown).toEqual(Object.entries(NO_BID_REASONS));
});

test("docs/http.md lists every parameter of GET /vast with the field it stands for", () => {
  const rows = tableUnder("http.md", "### Parameters of `GET /vast`").map(([name = "", field = ""]) => [
    name.replaceAll("`", ""),
    field.replaceAll("`", ""),
  ]);
  for (const [name = "", field = ""] of rows) {
    const query = { [name]: "7" };
    const request = bidRequestOfQuery({ query, headers: {} } as unknown as FastifyRequest, "id");
    expect([name, field, [valueAt(request, field)].flat().map(String)]).toEqual([name, field, ["7"]]);
  }
  const source = readFileSync(new URL("../../runtime/http/vast-query.ts", import.meta.url), "utf8");
  const read = [...source.matchAll(/^ {2}(\w+): \{ path: \[/gm)].map(([, name]) => name);
  expect(rows.map(([name]) => name).sort()).toEqual([...read, "id"].sort());
});

function valueAt(value: unknown, field: string): unknown {
  return field
    .split(/[.[\]]+/)
    .reduce<unknown>((at, key) => (at as Readonly<Record<string, unknown>> | undefined)?.[key], value);
}
