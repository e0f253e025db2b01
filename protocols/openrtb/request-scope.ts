/** What is wrong with one field of a request; the shape of `errors` in problem documents (interfaces.md 3). */
export interface RequestFault {
  /** Where, as in `imp[0].audio.mimes[1]`. */
  readonly path: string;
  /** What stood there, shortened; objects and arrays by kind only. */
  readonly value: string | number | boolean | null;
  readonly rule: string;
}

/** What a number must satisfy beyond being one. */
export type NumberRule = "any" | "not-negative";

const SHOWN_CHARS_MAX = 64;
const FAULTS_MAX = 50;
const NONE: readonly never[] = Object.freeze([]);

function shown(value: unknown): RequestFault["value"] {
  if (typeof value === "string") return value.length > SHOWN_CHARS_MAX ? `${value.slice(0, SHOWN_CHARS_MAX)}…` : value;
  if (typeof value === "number" || typeof value === "boolean") return value;
  if (value === undefined || value === null) return null;
  return Array.isArray(value) ? "array" : "object";
}

/** Collects what is wrong; bounded, so that a hostile document cannot make a large answer. */
export class RequestFaults {
  readonly list: RequestFault[] = [];

  add(path: string, value: unknown, rule: string): void {
    if (this.list.length < FAULTS_MAX) this.list.push({ path, value: shown(value), rule });
  }
}

/**
 * One JSON object of a request, read field by field. Absent and null are the same: many exchanges write null for "not known".
 * Only what is asked for is looked at, so unknown fields and their depth cost nothing and are tolerated; a wrong type is
 * recorded and read as absent.
 */
export class RequestScope {
  readonly path: string;
  readonly faults: RequestFaults;
  private readonly object: Readonly<Record<string, unknown>>;

  constructor(object: object, path: string, faults: RequestFaults) {
    this.object = object as Readonly<Record<string, unknown>>;
    this.path = path;
    this.faults = faults;
  }

  has(key: string): boolean {
    const value = this.object[key];
    return value !== undefined && value !== null;
  }

  isEmptyArray(key: string): boolean {
    const value = this.object[key];
    return Array.isArray(value) && value.length === 0;
  }

  /** Whether the field holds exactly this value; never a fault. */
  is(key: string, value: string | number | boolean): boolean {
    return this.object[key] === value;
  }

  text(key: string): string | undefined {
    const value = this.object[key];
    if (typeof value === "string") return value;
    if (value !== undefined && value !== null) this.fault(key, value, "must be a string");
    return undefined;
  }

  number(key: string, rule: NumberRule): number | undefined {
    const value = this.object[key];
    if (value === undefined || value === null) return undefined;
    // JSON.parse reads 1e999 as Infinity.
    if (typeof value !== "number" || !Number.isFinite(value)) this.fault(key, value, "must be a number");
    else if (rule === "not-negative" && value < 0) this.fault(key, value, "must not be negative");
    else return value;
    return undefined;
  }

  /** A field that the specification types as an integer 0 or 1: any other number than 1 is read as not set. */
  flag(key: string): boolean {
    return this.number(key, "any") === 1;
  }

  child(key: string): RequestScope | undefined {
    const value = this.object[key];
    if (value === undefined || value === null) return undefined;
    if (typeof value === "object" && !Array.isArray(value)) return new RequestScope(value, this.at(key), this.faults);
    this.fault(key, value, "must be an object");
    return undefined;
  }

  texts(key: string, countMax: number): readonly string[] {
    const values = this.array(key, countMax);
    for (let index = 0; index < values.length; index += 1) {
      if (typeof values[index] === "string") continue;
      this.faults.add(`${this.at(key)}[${index}]`, values[index], "must be a string");
      return NONE;
    }
    return values as readonly string[];
  }

  numbers(key: string, rule: NumberRule, countMax: number): readonly number[] {
    const values = this.array(key, countMax);
    for (let index = 0; index < values.length; index += 1) {
      const value = values[index];
      if (typeof value === "number" && Number.isFinite(value) && (rule === "any" || value >= 0)) continue;
      const broken = typeof value === "number" && value < 0 ? "must not be negative" : "must be a number";
      this.faults.add(`${this.at(key)}[${index}]`, value, broken);
      return NONE;
    }
    return values as readonly number[];
  }

  children(key: string, countMax: number): readonly RequestScope[] {
    const values = this.array(key, countMax);
    if (values.length === 0) return NONE;
    const scopes: RequestScope[] = [];
    for (let index = 0; index < values.length; index += 1) {
      const value = values[index];
      const path = `${this.at(key)}[${index}]`;
      if (typeof value === "object" && value !== null && !Array.isArray(value))
        scopes.push(new RequestScope(value, path, this.faults));
      else this.faults.add(path, value, "must be an object");
    }
    return scopes;
  }

  fault(key: string, value: unknown, rule: string): void {
    this.faults.add(this.at(key), value, rule);
  }

  private array(key: string, countMax: number): readonly unknown[] {
    const value = this.object[key];
    if (value === undefined || value === null) return NONE;
    if (!Array.isArray(value)) this.fault(key, value, "must be an array");
    else if (value.length > countMax) this.fault(key, value, `must have at most ${countMax} elements`);
    else return value as readonly unknown[];
    return NONE;
  }

  private at(key: string): string {
    return this.path === "" ? key : `${this.path}.${key}`;
  }
}
