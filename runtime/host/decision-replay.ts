import type { CatalogDocument } from "../../actors/decision/compile-index.ts";
import { compileIndex } from "../../actors/decision/compile-index.ts";
import { replay, type ReplayWorld } from "../../actors/decision/replay.ts";
import type { Transcript } from "../../actors/decision/transcript.ts";
import { recordOf } from "../../actors/listener/record.ts";
import type { Roster } from "../../actors/listener/roster.ts";
import { type DecisionRecord, sealedInputsOf } from "../../protocols/decision-record.ts";
import { Fault } from "../../protocols/errors.ts";
import type { ReplayView } from "../../protocols/explanation.ts";
import { unpackValue } from "../../protocols/packed-value.ts";
import type { Role } from "../../protocols/roles.ts";
import type { Sealer } from "../../protocols/state-part.ts";
import type { AnyAgent } from "../actor/agent.ts";
import { roleStream } from "../core/random-stream.ts";

export interface DecisionReplayOptions {
  readonly sealer: Pick<Sealer, "open">;
  readonly roster: Roster;
  readonly configVersion: string;
  /** All documents of a version of the catalog, or null when it is no longer known. */
  readonly documentsAt: (version: number) => Promise<readonly CatalogDocument[] | null>;
}

/** Makes recorded decisions again from their sealed inputs (D13, X1). R1: what the inputs hold of a listener goes no further than the kernel. */
export class DecisionReplay {
  readonly #options: DecisionReplayOptions;

  constructor(options: DecisionReplayOptions) {
    this.#options = options;
  }

  /** @throws Fault NATS_UNAVAILABLE when the catalog's past cannot be read. */
  async replay(record: DecisionRecord): Promise<ReplayView> {
    const transcript = this.#open(record);
    if (typeof transcript === "string") return { outcome: "impossible", reason: transcript };
    const version = transcript.catalog;
    const documents = version === null ? [] : await this.#options.documentsAt(version);
    if (documents === null)
      return { outcome: "impossible", reason: `version ${version} of the catalog is no longer known` };
    const { roster, configVersion } = this.#options;
    const again = recordAgain(record, transcript, {
      catalog: compileIndex(documents, version ?? 0),
      agentOf: (role, variant) => agentIn(roster, role, variant),
      randomOf: roleStream,
    });
    if ("reason" in again) return { outcome: "impossible", reason: again.reason };
    const difference = firstDifference(comparable(record), comparable(again.record), "");
    if (difference === null) return { outcome: "same" };
    const { config } = record.versions;
    const note = config === configVersion ? null : `the settings were ${config} then and are ${configVersion} now`;
    return { outcome: "different", ...difference, note };
  }

  /** @returns why there is none. */
  #open({ decisionId, inputs }: DecisionRecord): Transcript | string {
    if (inputs === "too large") return "its inputs were too large to be kept";
    if (inputs === "absent") return "it was recorded by a release that kept no inputs";
    try {
      const opened = unpackValue(this.#options.sealer.open(inputs, sealedInputsOf(decisionId))) as Transcript;
      return (opened.v as number) === 2 ? opened : "it was recorded by a release that knew single slots only";
    } catch (error) {
      if (error instanceof Fault) return `its inputs do not open: ${error.message}`;
      throw error;
    }
  }
}

function agentIn(roster: Roster, role: Role, variant: string): AnyAgent | undefined {
  const cast: readonly { readonly agent: AnyAgent }[] = roster[role];
  return cast.find(({ agent }) => agent.variant === variant)?.agent;
}

/** The record that the decision would leave if it were made now, or why it cannot be made. */
function recordAgain(
  record: DecisionRecord,
  transcript: Transcript,
  world: ReplayWorld,
): { readonly record: DecisionRecord } | { readonly reason: string } {
  const { decisionId, node, versions, experiments, inputs } = record;
  try {
    const replayed = replay(transcript, decisionId, world);
    if (!replayed.ok) return replayed;
    const made = { decisionId, node, versions, nowMs: transcript.nowMs, experiments, inputs, waits: [] };
    return { record: recordOf(transcript.request, replayed.decision, made) };
  } catch (error) {
    return { reason: `an agent throws that did not: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** A record without what is measured rather than decided. */
function comparable(record: DecisionRecord): unknown {
  const { inputs: _inputs, roles, ...rest } = record;
  return { ...rest, roles: roles.map(({ micros: _micros, ...role }) => role) };
}

/** Depth first, in the order of the record's fields. */
function firstDifference(
  recorded: unknown,
  replayed: unknown,
  path: string,
): { readonly path: string; readonly recorded: unknown; readonly replayed: unknown } | null {
  if (Object.is(recorded, replayed)) return null;
  if (typeof recorded !== "object" || typeof replayed !== "object" || recorded === null || replayed === null)
    return { path, recorded: recorded ?? null, replayed: replayed ?? null };
  const one = recorded as Readonly<Record<string, unknown>>;
  const other = replayed as Readonly<Record<string, unknown>>;
  for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
    const difference = firstDifference(one[key], other[key], path === "" ? key : `${path}.${key}`);
    if (difference !== null) return difference;
  }
  return null;
}
