import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand } from "../../runtime/cli/program.ts";
import { type CapturedTerminal, capturedTerminal } from "./captured-terminal.ts";

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly token: string;
  readonly body: string;
}

/** What a command of the CLI finds in place of a node: it notes what it is asked, and answers what the test says. */
export class AnsweringNode {
  readonly url: string;
  readonly dataDir: string;
  seen: Seen[] = [];
  answer: { status: number; body: unknown } = { status: 200, body: {} };
  readonly #server: Server;

  private constructor(server: Server, dataDir: string) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.dataDir = dataDir;
    server.on("request", (request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        const { method = "", url = "", headers } = request;
        this.seen.push({ method, url, token: headers.authorization ?? "", body });
        const { status, body: said } = this.answer;
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(said));
      });
    });
  }

  static async start(): Promise<AnsweringNode> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const node = new AnsweringNode(server, await mkdtemp(join(tmpdir(), "chorus-cli-")));
    const file = { pid: 1, admin: node.url, adminToken: "secret" };
    await writeFile(join(node.dataDir, "node.json"), JSON.stringify(file));
    return node;
  }

  /** As it was at the start. */
  forget(): void {
    this.seen = [];
    this.answer = { status: 200, body: {} };
  }

  /** Runs a command against this node. */
  chorus(...args: string[]): Promise<CapturedTerminal & { code: number }> {
    return this.chorusWith(capturedTerminal({ CHORUS_DATA: this.dataDir }), ...args);
  }

  async chorusWith(terminal: CapturedTerminal, ...args: string[]): Promise<CapturedTerminal & { code: number }> {
    const code = await runCommand(args, terminal, () => Promise.reject(new Error("no daemon in this test")));
    return { ...terminal, code };
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await rm(this.dataDir, { recursive: true, force: true });
  }
}
