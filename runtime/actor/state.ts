import type { z } from "zod";
import { Fault } from "../../protocols/errors.ts";

/**
 * The schema of one state value with its past: version n is read through `upgrade[n]`, `upgrade[n+1]`, … up to `version`.
 * State of a higher version stops the actor; it is never guessed at (D9).
 */
export interface VersionedState<S> {
  readonly version: number;
  readonly schema: z.ZodType<S>;
  /** Each step takes what the previous version stored and returns the next version's shape. */
  readonly upgrade?: Readonly<Record<number, (older: unknown) => unknown>>;
  /** Personal data: written only sealed (D9). */
  readonly personal?: boolean;
}

/** A state of one value. */
export interface SingleState<S> extends VersionedState<S> {
  readonly initial: (key: string) => S;
}

/** A state of named parts, read lazily and written only where changed (D9). `Shape` maps part names, or template patterns of them, to values. */
export interface PartsState<Shape extends object> {
  /** The schema of a part, by its name. @throws when no such part can exist. */
  readonly part: <K extends keyof Shape & string>(name: K) => VersionedState<Shape[K]>;
}

/** Read-only view of a state of parts; `with` and `without` return a new view and leave this one as it was. */
export interface PartTable<Shape extends object> {
  get<K extends keyof Shape & string>(name: K): Shape[K] | undefined;
  with<K extends keyof Shape & string>(name: K, value: Shape[K]): PartTable<Shape>;
  without<K extends keyof Shape & string>(name: K): PartTable<Shape>;
  /** Names of the parts that exist, sorted; reads the store. */
  names(prefix?: string): (keyof Shape & string)[];
}

/**
 * Brings a stored value to the schema's version.
 * @throws Fault STATE_TOO_NEW for a later version, STATE_CORRUPT when the upgraded value does not fit the schema.
 */
export function upgradeState<S>(state: VersionedState<S>, storedVersion: number, stored: unknown): S {
  if (storedVersion > state.version) {
    throw new Fault("STATE_TOO_NEW", `state of version ${storedVersion}, this release reads ${state.version}`, {
      details: { storedVersion, version: state.version },
    });
  }
  if (storedVersion === state.version) return stored as S;
  let value = stored;
  for (let version = storedVersion; version < state.version; version++) {
    const step = state.upgrade?.[version];
    if (step === undefined)
      throw new Fault("STATE_CORRUPT", `no upgrade from state version ${version}`, { details: { storedVersion } });
    value = step(value);
  }
  const parsed = state.schema.safeParse(value);
  if (!parsed.success) {
    throw new Fault("STATE_CORRUPT", `state upgraded from version ${storedVersion} does not fit its schema`, {
      details: { issues: parsed.error.issues },
    });
  }
  return parsed.data;
}
