import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { encode } from "../../protocols/codec.ts";
import type { OutsideQuestion } from "../../protocols/outside-agent.ts";
import { HEADERS } from "../../protocols/subjects.ts";
import { connectNats } from "../../runtime/nats/connect.ts";
import { type ReadyFile, REPOSITORY } from "./daemon.ts";
import { questionIn } from "./two-turn-ask.ts";

const LISTENING_MS = 10_000;

/** An agent outside as a program of its own; returns once it says that it listens. */
export function startProgram(
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<{ readonly stop: () => Promise<void> }> {
  const child = spawn(command, [...args], { cwd: REPOSITORY, env: environment, stdio: ["ignore", "pipe", "pipe"] });
  const reap = (): void => void child.kill("SIGKILL");
  process.once("exit", reap);
  child.once("exit", () => process.off("exit", reap));
  let printed = "";
  const { promise, resolve, reject } = Promise.withResolvers<{ readonly stop: () => Promise<void> }>();
  const late = setTimeout(() => reject(new Error(`${args[0]} does not listen:\n${printed}`)), LISTENING_MS);
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
      if (printed.includes("listening\n")) resolve({ stop: () => end(child) });
    });
  child.once("error", reject);
  child.once("exit", () => reject(new Error(`${args[0]} ended:\n${printed}`)));
  return promise.finally(() => clearTimeout(late));
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    if (!child.kill("SIGTERM")) resolve();
  });
}

/** The examples of docs/outside-agents.md. */
export const EXAMPLES = {
  typescript: (node: ReadyFile) => [
    join(REPOSITORY, "docs/examples/outside-agent.ts"),
    node.nats,
    node.natsCredentials.agent,
  ],
  python: (node: ReadyFile) => [
    join(REPOSITORY, "docs/examples/outside-agent.py"),
    node.nats,
    node.natsCredentials.agent,
  ],
} as const;

type Answer = object | Uint8Array | undefined;
/** Answers a question, now or later, or leaves it; undefined: it hangs. */
export type Answering = (question: OutsideQuestion) => Answer | Promise<Answer>;

/** An agent outside whose conduct a test changes as it goes. */
export class OutsideProgram {
  readonly questions: OutsideQuestion[] = [];
  answering: Answering;
  readonly #connection: NatsConnection;

  private constructor(connection: NatsConnection, answering: Answering) {
    this.#connection = connection;
    this.answering = answering;
  }

  static async start(node: ReadyFile, subject: string, answering: Answering): Promise<OutsideProgram> {
    const { nats: servers, natsCredentials } = node;
    const connection = await connectNats({ servers, name: "agent", seedFile: natsCredentials.agent, role: "agent" });
    const program = new OutsideProgram(connection, answering);
    connection.subscribe(subject, { callback: (_error, message) => void program.#hear(message) });
    await connection.flush();
    return program;
  }

  stop(): Promise<void> {
    return this.#connection.close();
  }

  async #hear(message: Msg): Promise<void> {
    const question = questionIn(message.data, message.headers?.get(HEADERS.contentType) ?? "");
    this.questions.push(question);
    const answer = await this.answering(question);
    if (answer === undefined) return;
    // Written as the question was, so that it needs no header.
    const isJson = message.headers?.get(HEADERS.contentType) === "application/json";
    if (answer instanceof Uint8Array) message.respond(answer);
    else message.respond(isJson ? JSON.stringify(answer) : Uint8Array.from(encode(answer)));
  }
}
