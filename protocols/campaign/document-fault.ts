import { z } from "zod";

/** One broken rule of a document: where, what was there, which rule (interfaces.md 3). */
export const DocumentFault = z.strictObject({ path: z.string(), value: z.unknown(), rule: z.string() });
export type DocumentFault = z.infer<typeof DocumentFault>;

/** A hostile document must not make a large answer. */
export const FAULTS_MAX = 1_000;

export type Path = readonly PropertyKey[];

/** `["campaigns", 0, "budget"]` as `campaigns[0].budget`. */
export function pathText(path: Path): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else text += text === "" ? String(step) : `.${String(step)}`;
  }
  return text;
}

/** What stands at a path, shortened to what fits into an answer; null where nothing stands. */
export function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== "object" || value === null) return null;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return shown(value);
}

const SHOWN_CHARS_MAX = 256;

export function shown(value: unknown): unknown {
  if (value === undefined) return null;
  if (typeof value === "string" && value.length > SHOWN_CHARS_MAX) return `${value.slice(0, SHOWN_CHARS_MAX)}…`;
  if (typeof value !== "object" || value === null) return value;
  return Array.isArray(value) ? `array of ${value.length}` : "object";
}

/** The rules that a value breaks, as faults below `prefix`. */
export function schemaFaults(schema: z.ZodType, value: unknown, prefix: Path): DocumentFault[] {
  const parsed = schema.safeParse(value);
  return parsed.success ? [] : parsed.error.issues.flatMap((issue) => faultsOf(issue, value, prefix));
}

function faultsOf(issue: z.core.$ZodIssue, root: unknown, prefix: Path): DocumentFault[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      path: pathText([...prefix, ...issue.path, key]),
      value: valueAt(root, [...issue.path, key]),
      rule: "unknown key",
    }));
  }
  const value = valueAt(root, issue.path);
  return [{ path: pathText([...prefix, ...issue.path]), value, rule: ruleOf(issue, value) }];
}

const NOUNS: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "an array",
  object: "an object",
};

function ruleOf(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code === "invalid_type" && value === null && issue.expected !== "null") return "is required";
  if (issue.code === "invalid_type" && !issue.message.startsWith("must"))
    return `must be ${NOUNS[issue.expected] ?? issue.expected}`;
  if (issue.code === "invalid_value") return `must be one of ${issue.values.map(String).join(", ")}`;
  return issue.message;
}
