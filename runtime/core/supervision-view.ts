import { decode } from "../../protocols/codec.ts";
import { decodeStatePart } from "../../protocols/state-part.ts";
import type { AnyActor } from "../actor/define.ts";
import type { SupervisionStrategy } from "../actor/supervision.ts";
import { STOPPED_KIND } from "./actor-supervision.ts";
import { conditionOf, type ActorCondition } from "./inspection.ts";
import type { SlotState } from "./partition-slot.ts";
import type { StateReader } from "./ports.ts";
import { strategyOf } from "./supervisor.ts";
import type { Suspension } from "./suspensions.ts";

/** One kind of actors on one shard. */
export interface KindSupervision {
  readonly kind: string;
  readonly strategy: SupervisionStrategy;
  /** Resident ones. */
  readonly actors: number;
  /** Since their partitions were opened here. */
  readonly failures: number;
  readonly restarts: number;
  readonly stops: number;
  /** Resident actors that failed lately, wait or stand still; at most the limit over all kinds. */
  readonly troubled: readonly TroubledActor[];
}

export interface TroubledActor {
  readonly key: string;
  readonly partition: number;
  readonly condition: ActorCondition;
  readonly mailbox: number;
  readonly restarts: number;
  readonly lastError: string | null;
}

export interface StoppedActor {
  readonly partition: number;
  readonly kind: string;
  readonly key: string;
  readonly code: string;
  readonly message: string;
  readonly atMs: number;
}

/** A shard's branch of the supervision tree: its kinds and what stands still in them. */
export interface ShardSupervision {
  readonly kinds: readonly KindSupervision[];
  /** Stopped actors, resident or not. */
  readonly stopped: readonly StoppedActor[];
  readonly suspensions: readonly (Suspension & { readonly partition: number })[];
}

/** @param limit rows of each list. */
export function viewSupervision(
  registry: ReadonlyMap<string, AnyActor>,
  slots: Iterable<SlotState>,
  reader: StateReader,
  limit: number,
): ShardSupervision {
  const cores = [...slots].flatMap(({ core }) => (core === null ? [] : [core]));
  const kinds = Array.from(registry, ([kind, definition]): KindSupervision & { troubled: TroubledActor[] } => {
    const counts = cores.map((core) => core.supervision.kinds.get(kind));
    const sum = (of: "failures" | "restarts" | "stops"): number =>
      counts.reduce((total, one) => total + (one?.[of] ?? 0), 0);
    const strategy = strategyOf({ definition });
    const figures = { failures: sum("failures"), restarts: sum("restarts"), stops: sum("stops") };
    return { kind, strategy, actors: 0, ...figures, troubled: [] };
  });
  const actors = new Map<string, number>();
  let troubled = 0;
  for (const core of cores) {
    for (const activation of core.residency.values()) {
      const { kind, key } = activation.id;
      actors.set(kind, (actors.get(kind) ?? 0) + 1);
      if (troubled >= limit) continue;
      const condition = conditionOf(core, activation);
      const { restarts, lastError } = activation;
      if (condition.condition === "running" && lastError === null) continue;
      const row = { key, partition: core.partition, ...condition, restarts, lastError };
      kinds.find((one) => one.kind === kind)?.troubled.push(row);
      troubled++;
    }
  }
  return {
    kinds: kinds.map((one) => ({ ...one, actors: actors.get(one.kind) ?? 0 })),
    stopped: stoppedActors(cores, reader, limit),
    suspensions: cores
      .flatMap((core) => core.suspensions.list.map((one) => ({ partition: core.partition, ...one })))
      .slice(0, limit),
  };
}

function stoppedActors(
  cores: readonly NonNullable<SlotState["core"]>[],
  reader: StateReader,
  limit: number,
): StoppedActor[] {
  const stopped: StoppedActor[] = [];
  for (const core of cores) {
    const stored = reader.keys(core.partition, core.generation, STOPPED_KIND, "", limit);
    for (const name of new Set([...stored, ...core.overlay.newKeys(STOPPED_KIND)])) {
      if (stopped.length >= limit) return stopped;
      const bytes = core.read(STOPPED_KIND, name, "");
      if (bytes === undefined) continue;
      const row = decode(decodeStatePart(bytes).body) as Omit<StoppedActor, "partition">;
      stopped.push({ partition: core.partition, ...row });
    }
  }
  return stopped;
}
