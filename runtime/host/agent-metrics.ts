import type { Gauge } from "prom-client";
import type { CircuitView } from "../core/circuit.ts";
import type { ParkedFigures } from "../core/parked-asks.ts";
import type { InspectQuestion } from "../threads/shard-thread-messages.ts";

/** Adds a gauge whose values are collected whenever somebody looks. */
export type AddGauge = (
  name: string,
  help: string,
  labelNames: string[],
  collect: (gauge: Gauge) => Promise<void>,
) => void;

interface OutsideRow extends ParkedFigures {
  readonly shard: number;
}

/** What agents did, inside and outside the process. @param ask what all shards answer, one list. */
export function agentGauges(gauge: AddGauge, ask: (question: InspectQuestion) => Promise<unknown[]>): void {
  const circuits = () => ask({ about: "circuits" }) as Promise<CircuitView[]>;
  gauge(
    "chorus_agent_consultations_total",
    "How often each variant of a role was asked since its shard started, by outcome.",
    ["role", "variant", "outcome"],
    async (made) => {
      made.reset();
      for (const { role, variant, answered, failed, late } of await circuits()) {
        made.inc({ role, variant, outcome: "answered" }, answered);
        made.inc({ role, variant, outcome: "failed" }, failed);
        made.inc({ role, variant, outcome: "late" }, late);
      }
    },
  );
  gauge(
    "chorus_agent_circuit",
    "Shards on which an agent is not asked for a while, having failed too often (open); answers that came too late and were " +
      "ignored; questions that there was no room or no time for (passedOver).",
    ["role", "variant", "figure"],
    async (made) => {
      made.reset();
      for (const { role, variant, state, ignored, passedOver } of await circuits()) {
        made.inc({ role, variant, figure: "open" }, state === "open" ? 1 : 0);
        made.inc({ role, variant, figure: "ignored" }, ignored);
        made.inc({ role, variant, figure: "passedOver" }, passedOver);
      }
    },
  );
  gauge(
    "chorus_outside",
    "Decisions that wait for agents outside, questions under way and their bytes, requests refused because four waited before.",
    ["shard", "figure"],
    async (made) => {
      for (const { shard, ...figures } of (await ask({ about: "outside" })) as OutsideRow[])
        for (const [figure, value] of Object.entries(figures)) made.set({ shard: String(shard), figure }, value);
    },
  );
}
