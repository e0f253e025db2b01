import { type ChildProcess, fork } from "node:child_process";
import { basename } from "node:path";

/** What a program of its own process is asked, and how it answers; `serve` is the other end. */
interface Question {
  readonly id: number;
  readonly question: unknown;
}
type Reply =
  | { readonly id: number; readonly ok: true; readonly answer: unknown }
  | { readonly id: number; readonly ok: false; readonly message: string };

const STOP_MS = 5_000;

/**
 * A part of the harness in a process of its own, so that it shares neither event loop nor heap with what it measures or floors. It ends
 * with the channel: no orphan survives the harness.
 */
export class Program implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #exited: Promise<void>;
  #next = 0;

  /**
   * @param script the program, a module that calls `serve`.
   * @param signal ends it, and whatever it is asked, early.
   */
  constructor(script: URL, signal: AbortSignal) {
    const name = basename(script.pathname);
    this.#child = fork(script, { serialization: "advanced", stdio: ["ignore", "inherit", "inherit", "ipc"] });
    signal.addEventListener("abort", () => this.#child.kill("SIGKILL"), { once: true });
    this.#child.on("message", (reply: Reply) => {
      const waiting = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if (reply.ok) waiting?.resolve(reply.answer);
      else waiting?.reject(new Error(`${name}: ${reply.message}`));
    });
    this.#exited = new Promise((resolve) => {
      this.#child.once("exit", (code, signal) => {
        for (const waiting of this.#waiting.values()) {
          waiting.reject(new Error(`${name} ended early: code ${code}, signal ${signal}`));
        }
        this.#waiting.clear();
        resolve();
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Rejects with the program's error, or when it ends before it answers. */
  ask<Answer>(question: unknown): Promise<Answer> {
    const id = this.#next++;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiting);
    this.#child.send({ id, question } satisfies Question, (error) => {
      if (error !== null) waiting.reject(error);
    });
    return waiting.promise as Promise<Answer>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MS);
    await this.#exited;
    clearTimeout(timer);
  }
}

/** Makes this process a program: answers each question in turn until the channel closes, then ends. */
export function serve(answer: (question: unknown) => Promise<unknown>): void {
  process.on("message", ({ id, question }: Question) => {
    void answer(question).then(
      (value) => reply({ id, ok: true, answer: value }),
      (error: unknown) => reply({ id, ok: false, message: error instanceof Error ? error.message : String(error) }),
    );
  });
  process.once("disconnect", () => process.exit(0));
}

function reply(message: Reply): void {
  process.send?.(message);
}
