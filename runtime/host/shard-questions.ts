import { Fault } from "../../protocols/errors.ts";
import {
  coreOf,
  listActors,
  listDeadLetters,
  listTimers,
  viewActor,
  viewDeadLetter,
  viewPartition,
} from "../core/inspection.ts";
import type { Clock, StateReader } from "../core/ports.ts";
import type { ShardCore } from "../core/shard-core.ts";
import { viewSupervision } from "../core/supervision-view.ts";
import type { InspectQuestion } from "../threads/shard-thread-messages.ts";

export interface QuestionedShard {
  readonly shard: number;
  readonly core: ShardCore;
  readonly reader: StateReader;
  readonly clock: Clock;
}

/** What a shard says to an operator's question; runs no actor. @throws Fault NOT_OWNER. */
export function answerQuestion({ shard, core, reader, clock }: QuestionedShard, question: InspectQuestion): unknown {
  switch (question.about) {
    case "actor": {
      const partition = coreOf(core.slots, question.partition);
      if (partition === null) throw new Fault("NOT_OWNER", `partition ${question.partition} is not open here`);
      return viewActor(partition, shard, question, clock.nowMs());
    }
    case "actors":
      return listActors(core.slots.values(), shard, question, clock.nowMs());
    case "partitions":
      return [...core.slots.values()].map((slot) => viewPartition(slot, shard));
    case "timers":
      return listTimers(core.slots.values(), reader, question.limit);
    case "dead-letters":
      return listDeadLetters(core.slots.values(), question.limit);
    case "dead-letter": {
      const partition = coreOf(core.slots, question.partition);
      if (partition === null) throw new Fault("NOT_OWNER", `partition ${question.partition} is not open here`);
      return viewDeadLetter(partition, question.id);
    }
    case "circuits":
      return core.circuits.view();
    case "outside":
      return [{ shard, ...core.outside }];
    case "load":
      return core.load;
    case "supervision":
      return viewSupervision(core.registry, core.slots.values(), reader, question.limit);
    case "handlers":
      return core.watch.times.samples();
  }
}
