import { decode } from "../../protocols/codec.ts";
import type { Envelope } from "../../protocols/envelope.ts";
import { toWireFault } from "../../protocols/errors.ts";
import { decodeStatePart } from "../../protocols/state-part.ts";
import type { SupervisionHost } from "./actor-supervision.ts";
import { DEAD_LETTER_KIND, letterName, retryOrigin, type DeadLetter } from "./dead-letter.ts";
import type { DeadLetters } from "./dead-letters.ts";
import type { AskOutcome, Dispatcher, TellOutcome } from "./dispatcher.ts";

/** Asks to this kind are for the partition itself; no actor can have that name. */
export const SUPERVISOR_KIND = "$supervisor";

/** What an operator can have done in one partition. `key` null means all of the kind, `kind` null the partition's mail. */
export type SupervisorAct =
  | { readonly act: "retry" | "drop"; readonly id: string }
  | { readonly act: "pause" | "resume"; readonly kind: string | null; readonly key: string | null }
  | { readonly act: "restart"; readonly kind: string; readonly key: string | null };

/** What came of it; a refusal changed nothing, and has a status as in HTTP. */
export type SupervisorAnswer =
  | { readonly done: true; readonly became?: TellOutcome }
  | { readonly done: false; readonly status: number; readonly reason: string };

export interface PartitionSupervisorHost extends SupervisionHost {
  readonly letters: DeadLetters;
  read(kind: string, key: string, part: string): Uint8Array | undefined;
  /** Whether this release has actors of that kind. */
  defines(kind: string): boolean;
  /** Mail waits from the next envelope on, or no more. */
  pauseMail(paused: boolean): void;
}

const refused = (status: number, reason: string): SupervisorAnswer => ({ done: false, status, reason });
const DONE: SupervisorAnswer = { done: true };

/**
 * Acts of operators in one partition, each in a commit like any envelope: the answer leaves when it is durable. A1: a dead letter is
 * gone in the commit in which it runs again or was dropped, so that it is never run twice. A2: a refusal changes nothing.
 */
export class PartitionSupervisor {
  readonly #host: PartitionSupervisorHost;
  readonly #dispatcher: Dispatcher;

  constructor(host: PartitionSupervisorHost, dispatcher: Dispatcher) {
    this.#host = host;
    this.#dispatcher = dispatcher;
  }

  ask({ payload }: Envelope): AskOutcome {
    try {
      return { answer: this.#act(payload as SupervisorAct) };
    } catch (error) {
      return { fault: toWireFault(error) };
    }
  }

  #act(wanted: SupervisorAct): SupervisorAnswer {
    switch (wanted.act) {
      case "retry":
      case "drop":
        return this.#letter(wanted.act, wanted.id);
      case "pause":
        if (wanted.kind !== null && !this.#host.defines(wanted.kind))
          return refused(404, `there is no kind ${wanted.kind}`);
        return this.#pause(wanted.kind, wanted.key);
      case "resume":
        return this.#resume(wanted.kind, wanted.key);
      case "restart":
        if (!this.#host.defines(wanted.kind)) return refused(404, `there is no kind ${wanted.kind}`);
        return this.#restart(wanted.kind, wanted.key);
    }
  }

  #letter(act: "retry" | "drop", id: string): SupervisorAnswer {
    const letter = this.#find(id);
    const name = letterName(this.#host.partition, id);
    if (letter === undefined) return refused(404, `there is no dead letter ${name}`);
    if (act === "retry") {
      const reason = this.#dispatcher.refusalOf(letter);
      if (reason !== null) return refused(409, reason);
    }
    this.#host.letters.remove(id, this.#host.open());
    const { kind, key, type } = letter;
    if (act === "drop") {
      this.#host.event(kind, "dropped", { key, type, letter: name });
      return DONE;
    }
    const became = this.#dispatcher.rerun(letter, retryOrigin(name));
    this.#host.event(kind, "retried", { key, type, letter: name, became });
    return { done: true, became };
  }

  /** Also one that this very record writes or deletes. */
  #find(id: string): DeadLetter | undefined {
    const open = this.#host.open().rowAt(DEAD_LETTER_KIND, id);
    const bytes = open === undefined ? this.#host.read(DEAD_LETTER_KIND, id, "") : (open.bytes ?? undefined);
    return bytes === undefined ? undefined : (decode(decodeStatePart(bytes).body) as DeadLetter);
  }

  #pause(kind: string | null, key: string | null): SupervisorAnswer {
    const { suspensions, nowMs } = this.#host;
    const present = suspensions.at(kind, key);
    if (present !== undefined) return refused(409, `${whatIs(kind, key)} is ${present.state} already`);
    suspensions.put({ kind, key, state: "paused", reason: "by an operator", atMs: nowMs }, this.#host.open());
    if (kind === null) this.#host.pauseMail(true);
    this.#host.event(kind ?? "partition", "paused", { key });
    return DONE;
  }

  #resume(kind: string | null, key: string | null): SupervisorAnswer {
    const { suspensions } = this.#host;
    const present = suspensions.at(kind, key);
    if (present?.state !== "paused") return refused(409, `${whatIs(kind, key)} is not paused`);
    suspensions.remove(present, this.#host.open());
    if (kind === null) this.#host.pauseMail(false);
    else this.#host.rescanTimers();
    this.#host.event(kind ?? "partition", "resumed", { key });
    return DONE;
  }

  #restart(kind: string, key: string | null): SupervisorAnswer {
    const { supervision } = this.#dispatcher;
    if (key !== null) {
      const restarted = supervision.restart(this.#host.activate(kind, key));
      return restarted ? DONE : refused(409, `${whatIs(kind, key)} is not stopped`);
    }
    const { suspensions } = this.#host;
    const present = suspensions.at(kind, null);
    if (present?.state !== "stopped") return refused(409, `${whatIs(kind, null)} is not stopped`);
    suspensions.remove(present, this.#host.open());
    supervision.forgetFailures(kind);
    this.#host.rescanTimers();
    this.#host.event(kind, "kind-restarted", {});
    return DONE;
  }
}

function whatIs(kind: string | null, key: string | null): string {
  if (kind === null) return "the mail";
  return key === null ? `the kind ${kind}` : `the actor ${kind} ${key}`;
}
