import { type MessagePort, receiveMessageOnPort, threadId } from "node:worker_threads";
import { decodeBounded } from "../../protocols/codec.ts";
import { Fault, toWireFault } from "../../protocols/errors.ts";
import { asPartition, type Partition } from "../../protocols/ids.ts";
import { openIndex } from "../../protocols/packed-index.ts";
import { HEADERS, mailSubject, MSGPACK } from "../../protocols/subjects.ts";
import { coreOf } from "../core/inspection.ts";
import type { PendingReply } from "../core/open-record.ts";
import type { Clock, FromStore, StateReader } from "../core/ports.ts";
import type { ShardCore } from "../core/shard-core.ts";
import type { ShardAction, ShardEvent } from "../core/shard-messages.ts";
import { postPacked, readPacked, type WireAsk, type WireReply } from "../threads/ask-messages.ts";
import type { FromShard, ShardTask, ToShard } from "../threads/shard-thread-messages.ts";
import type { FencedSubjects } from "./fenced-subjects.ts";
import type { MailConsumers } from "./mail-consumers.ts";
import { answerQuestion } from "./shard-questions.ts";
import type { Publisher } from "../nats/publisher.ts";
import type { AgentRequests } from "../nats/agent-requests.ts";

export interface ShardParts {
  readonly core: ShardCore;
  readonly reader: StateReader;
  readonly clock: Clock;
  readonly subjects: FencedSubjects;
  readonly publisher: Publisher;
  readonly mail: MailConsumers;
  readonly agents: AgentRequests;
  /** Says that this thread's event loop turned. */
  readonly beat: () => void;
}

const DRAIN_LOOK_MS = 20;
const SLEEP_MAX_MS = 5_000;
/** Between two signs of life of a thread that has nothing to do. */
const BEAT_MS = 50;

/**
 * Carries a shard's events and actions between the core and the world (D19): ports, NATS, the store. Decides nothing.
 * T1: actions of a turn are started in their order; answers come back as events.
 */
export class ShardThread {
  readonly #task: ShardTask;
  readonly #parts: ShardParts;
  readonly #routes = new Map<number, MessagePort>();
  readonly #stopped = Promise.withResolvers<undefined>();
  #scheduled = false;
  #timer: NodeJS.Timeout | null = null;
  readonly #beating: NodeJS.Timeout;
  #stopping = false;

  constructor(task: ShardTask, parts: ShardParts) {
    this.#task = task;
    this.#parts = parts;
    task.control.on("message", (message: ToShard) => this.#guard(() => this.#onControl(message)));
    task.store.on("message", (message: FromStore) => this.on({ type: "store", message }));
    parts.mail.onMail = (partition, sequence, bytes) => this.on({ type: "mail", partition, sequence, bytes });
    parts.mail.onStatus = (partition, event, details) =>
      this.#tell({ type: "event", kind: "partition", event, details: { partition, ...details } });
    parts.beat();
    this.#beating = setInterval(parts.beat, BEAT_MS);
    this.#tell({ type: "ready", threadId });
  }

  /** Resolves when the daemon told the shard to stop and it has let go of everything. */
  get stopped(): Promise<undefined> {
    return this.#stopped.promise;
  }

  on(event: ShardEvent): void {
    this.#parts.core.on(event);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#stopping) return;
    this.#scheduled = true;
    setImmediate(() => this.#guard(() => this.#run()));
  }

  #run(): void {
    this.#scheduled = false;
    const { core, beat } = this.#parts;
    beat();
    // Handlers of busy ports get one message a turn, and timers starve: take what is there (facts/runtime.md 4).
    for (
      let next = receiveMessageOnPort(this.#task.store);
      next !== undefined;
      next = receiveMessageOnPort(this.#task.store)
    ) {
      core.on({ type: "store", message: next.message as FromStore });
    }
    for (const [route, port] of this.#routes) {
      for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port))
        this.#asks(route, readPacked<WireAsk>(next.message));
    }
    for (const action of core.turn()) this.#perform(action);
    if (core.hasWork()) this.#schedule();
    else this.#sleep(core.sleepMs());
  }

  #sleep(ms: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#schedule(), Math.min(Math.ceil(ms), SLEEP_MAX_MS));
  }

  #asks(route: number, asks: readonly WireAsk[]): void {
    for (const ask of asks)
      this.#parts.core.on({ type: "ask", ask: { ...ask, route, partition: asPartition(ask.partition) } });
  }

  #onControl(message: ToShard): void {
    switch (message.type) {
      case "open":
        return this.on({ type: "open", partition: asPartition(message.partition), deadly: message.deadly });
      case "attach":
        return this.#attach(message.route, message.port);
      case "snapshot":
        return this.#snapshot(message.topic, message.version, message.buffer);
      case "topic":
        return this.on({
          type: "snapshot",
          topic: message.topic,
          version: message.version,
          value: decodeBounded(message.bytes),
        });
      case "inspect":
        return this.#answer(message.request, () =>
          answerQuestion({ shard: this.#task.shard, ...this.#parts }, message.question),
        );
      case "control":
        return this.#answer(message.request, () => this.#control(message.control));
      case "mark-logs":
        return this.on({ type: "mark-logs" });
      case "drain":
        return this.#drain(this.#parts.clock.monotonicMs() + message.withinMs);
      case "stop":
        return this.#stop();
    }
  }

  #attach(route: number, port: MessagePort): void {
    this.#routes.get(route)?.close();
    this.#routes.set(route, port);
    port.on("message", (message: unknown) => {
      this.#asks(route, readPacked<WireAsk>(message));
      this.#schedule();
    });
    port.on("close", () => {
      if (this.#routes.get(route) === port) this.#routes.delete(route);
    });
  }

  #snapshot(topic: string, version: number, buffer: SharedArrayBuffer): void {
    this.on({ type: "snapshot", topic, version, value: openIndex(buffer) });
    this.#tell({ type: "snapshot-taken", topic, version });
  }

  #perform(action: ShardAction): void {
    switch (action.type) {
      case "to-store": {
        const { message } = action;
        // Cloned, not transferred: the log appends the same bytes.
        this.#task.store.postMessage(message);
        return;
      }
      case "replies":
        return this.#reply(action.replies);
      case "append":
        return this.#later(this.#parts.subjects.append(action), (outcome) => ({
          type: "appended",
          subject: action.subject,
          tag: action.tag,
          outcome,
        }));
      case "read-tail":
        return this.#later(this.#parts.subjects.tail(action.subject), (tail) => ({
          type: "tail",
          subject: action.subject,
          tag: action.tag,
          tail,
        }));
      case "publish-mail":
        return this.#publish(action.receiver, action.bytes, action.count);
      case "consume":
        return this.#parts.mail.start(action.partition, action.startSequence);
      case "stop-consuming":
        return this.#parts.mail.stop(action.partition);
      case "flow":
        return this.#parts.mail.flow(action.partition, action.paused);
      case "ack":
        return this.#parts.mail.ack(action.partition, action.sequence);
      case "request": {
        const { request, subject, bytes, contentType, waitMs } = action;
        return this.#parts.agents.request(subject, bytes, contentType, waitMs, (outcome) =>
          this.on({ type: "heard", request, outcome }),
        );
      }
      case "job":
        return this.#tell({ type: "job", partition: action.partition, order: action.order });
      case "tapped":
        return this.#tell({ type: "tapped", report: action.report });
      case "event":
        return this.#tell({ type: "event", kind: action.kind, event: action.event, details: action.details });
      case "partition-state":
        return this.#tell({
          type: "partition-state",
          partition: action.partition,
          state: action.state,
          fault: action.fault,
        });
    }
  }

  #publish(receiver: Partition, bytes: Uint8Array, count: number): void {
    const headers = { [HEADERS.contentType]: MSGPACK, [HEADERS.type]: "mail", [HEADERS.count]: String(count) };
    this.#later(this.#parts.publisher.publish(mailSubject(receiver), bytes, headers), ({ outcome }) => ({
      type: "mail-published",
      receiver,
      stored: outcome === "stored",
    }));
  }

  #later<Result>(promise: Promise<Result>, event: (result: Result) => ShardEvent): void {
    promise.then(
      (result) => this.on(event(result)),
      (error: unknown) => this.#fail(error),
    );
  }

  #reply(replies: readonly PendingReply[]): void {
    const byRoute = new Map<number, WireReply[]>();
    for (const { route, id, answer, fault } of replies) {
      const list = byRoute.get(route);
      if (list === undefined) byRoute.set(route, [{ id, answer, fault }]);
      else list.push({ id, answer, fault });
    }
    for (const [route, list] of byRoute) {
      const port = this.#routes.get(route);
      if (port !== undefined) postPacked(port, list);
    }
  }

  #control(control: Extract<ToShard, { type: "control" }>["control"]): unknown {
    if (control.verb === "tap") {
      const { core, clock } = this.#parts;
      if (coreOf(core.slots, control.order.partition) === null)
        throw new Fault("NOT_OWNER", `partition ${control.order.partition} is not open here`);
      return core.watch.taps.start(control.order, clock.monotonicMs());
    }
    this.on({ type: "accept-gap", partition: asPartition(control.partition) });
    return { partition: control.partition, accepted: true };
  }

  #answer(request: number, question: () => unknown): void {
    try {
      this.#tell({ type: "answer", request, answer: question(), fault: null });
    } catch (error) {
      this.#tell({ type: "answer", request, answer: null, fault: toWireFault(error) });
    }
  }

  #drain(untilMs: number): void {
    this.#parts.mail.stopAll();
    const look = (): void => {
      const { core, clock } = this.#parts;
      const clean = core.quiet;
      if (clean || clock.monotonicMs() >= untilMs) this.#tell({ type: "drained", clean });
      else {
        this.#schedule();
        setTimeout(look, DRAIN_LOOK_MS);
      }
    };
    look();
  }

  #stop(): void {
    this.#stopping = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    clearInterval(this.#beating);
    for (const port of this.#routes.values()) port.close();
    this.#task.store.close();
    this.#task.control.close();
    this.#stopped.resolve(undefined);
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** A broken invariant of the runtime itself: the thread ends and is replaced (D11). */
  #fail(error: unknown): void {
    this.#stopping = true;
    clearInterval(this.#beating);
    this.#stopped.reject(error);
  }

  #tell(message: FromShard): void {
    this.#task.control.postMessage(message);
  }
}
