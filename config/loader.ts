import { z } from "zod";
import { Fault } from "../protocols/errors.ts";
import { Settings } from "./schema.ts";

/** One broken setting. */
export interface SettingFault {
  readonly key: string;
  readonly value: unknown;
  readonly rule: string;
}

export interface SettingSources {
  /** Contents of the config file, or undefined without one. */
  readonly fileText?: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** From the command line; wins over all. */
  readonly overrides: Readonly<Record<string, unknown>>;
}

/** Environment variables under the prefix that are not settings. */
const NOT_SETTINGS = new Set([
  "CHORUS_NATS_CLI",
  "CHORUS_NATS_SERVER",
  "CHORUS_FIXTURES",
  "CHORUS_CONFIG",
  "CHORUS_ADMIN_TOKEN",
]);

/**
 * Defaults < file < environment < command line.
 * @throws Fault CONFIG_INVALID with every fault in `details.faults`, each as key, value and rule.
 */
export function loadSettings(sources: SettingSources): Settings {
  const merged = structuredClone(parseFile(sources.fileText));
  for (const [path, value] of Object.entries(fromEnvironment(sources.environment))) assign(merged, path, value);
  for (const [path, value] of Object.entries(sources.overrides)) if (value !== undefined) assign(merged, path, value);
  const parsed = Settings.safeParse(merged);
  if (!parsed.success) throw invalid(parsed.error.issues.flatMap((issue) => faultsOf(issue, merged)));
  return deepFreeze(parsed.data);
}

function parseFile(text: string | undefined): Record<string, unknown> {
  if (text === undefined) return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid([
      { key: "(file)", value: null, rule: `must be JSON: ${cause instanceof Error ? cause.message : String(cause)}` },
    ]);
  }
  if (value === null || typeof value !== "object" || Array.isArray(value))
    throw invalid([{ key: "(file)", value, rule: "must be a JSON object" }]);
  return value as Record<string, unknown>;
}

/** Variables under our prefix that no setting has: misspelt, most likely. */
export function unknownVariables(environment: SettingSources["environment"]): string[] {
  const known = knownVariables();
  return Object.keys(environment).filter(
    (name) => name.startsWith("CHORUS_") && !NOT_SETTINGS.has(name) && !known.has(name),
  );
}

function knownVariables(): Map<string, { path: string; schema: z.ZodType }> {
  const known = new Map<string, { path: string; schema: z.ZodType }>();
  collect(Settings, "", known);
  return known;
}

/** `CHORUS_NATS_PORT=4222` → { "nats.port": 4222 }; names that are no setting are left for their owners. */
function fromEnvironment(environment: SettingSources["environment"]): Record<string, unknown> {
  const known = knownVariables();
  const found: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith("CHORUS_") || text === undefined || NOT_SETTINGS.has(name)) continue;
    const setting = known.get(name);
    if (setting !== undefined) found[setting.path] = coerce(text, setting.schema);
  }
  return found;
}

function collect(schema: z.ZodType, path: string, known: Map<string, { path: string; schema: z.ZodType }>): void {
  const inner = unwrap(schema);
  if (!(inner instanceof z.ZodObject)) {
    const name = `CHORUS_${path
      .replace(/([a-z])([A-Z])/g, "$1_$2")
      .replaceAll(".", "_")
      .toUpperCase()}`;
    known.set(name === "CHORUS_NATS_SERVER" ? "CHORUS_NATS" : name, { path, schema: inner });
    return;
  }
  for (const [key, value] of Object.entries(inner.shape))
    collect(value as z.ZodType, path === "" ? key : `${path}.${key}`, known);
}

function unwrap(schema: z.ZodType): z.ZodType {
  let inner = schema;
  while (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault || inner instanceof z.ZodNullable)
    inner = inner.unwrap() as z.ZodType;
  return inner;
}

function coerce(text: string, schema: z.ZodType): unknown {
  if (schema instanceof z.ZodNumber) return text.trim() === "" || Number.isNaN(Number(text)) ? text : Number(text);
  if (schema instanceof z.ZodBoolean) return text === "true" ? true : text === "false" ? false : text;
  if (schema instanceof z.ZodRecord || schema instanceof z.ZodArray) {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      return text;
    }
  }
  return text;
}

function assign(target: Record<string, unknown>, path: string, value: unknown): void {
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  let at = target;
  for (const key of keys) {
    const next = at[key];
    if (next === null || typeof next !== "object") at[key] = {};
    at = at[key] as Record<string, unknown>;
  }
  at[last] = value;
}

function faultsOf(issue: z.core.$ZodIssue, merged: unknown): SettingFault[] {
  const path = issue.path.map(String);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      key: [...path, key].join("."),
      value: valueAt(merged, [...path, key]),
      rule: "unknown setting",
    }));
  }
  return [{ key: path.join("."), value: valueAt(merged, path), rule: issue.message }];
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  let at = value;
  for (const key of path) at = at !== null && typeof at === "object" ? (at as Record<string, unknown>)[key] : undefined;
  return at;
}

function invalid(faults: readonly SettingFault[]): Fault {
  const lines = faults.map(({ key, value, rule }) => `  ${key} = ${JSON.stringify(value) ?? "undefined"}: ${rule}`);
  return new Fault("CONFIG_INVALID", `${faults.length} setting(s) are wrong:\n${lines.join("\n")}`, {
    details: { faults },
  });
}

function deepFreeze<T>(value: T): T {
  if (value !== null && typeof value === "object") {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}
