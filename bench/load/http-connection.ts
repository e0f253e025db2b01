import { connect, type Socket } from "node:net";

/** What is known of an answer. `noBidReason` is the header `x-chorus-nbr`; `body` is empty unless it was asked for. */
export interface Answer {
  readonly status: number;
  readonly noBidReason: string | null;
  readonly body: string;
}

/** Carries one request at a time. */
export interface Connection {
  /** @param onAnswer null when the connection was lost; then `send` must not be called again. */
  send(request: Uint8Array, onAnswer: (answer: Answer | null) => void): void;
  close(): void;
}

const HEAD_END = "\r\n\r\n";
const CONTENT_LENGTH = /\r\ncontent-length: *(\d+)/i;
const NO_BID_REASON = /\r\nx-chorus-nbr: *(\d+)/i;
const NO_CONTENT = 204;

/** One keep-alive connection: far cheaper than a general HTTP client, so that the generator takes little of the machine it shares. */
export class HttpConnection implements Connection {
  readonly #socket: Socket;
  readonly #wantsBody: boolean;
  #received: Buffer | null = null;
  #onAnswer: ((answer: Answer | null) => void) | null = null;

  private constructor(socket: Socket, wantsBody: boolean) {
    this.#socket = socket;
    this.#wantsBody = wantsBody;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#answer(null));
  }

  /** Rejects with the system's error when nobody listens. */
  static open(url: string, wantsBody: boolean): Promise<HttpConnection> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) });
    return new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new HttpConnection(socket, wantsBody));
      });
    });
  }

  send(request: Uint8Array, onAnswer: (answer: Answer | null) => void): void {
    this.#onAnswer = onAnswer;
    if (this.#socket.destroyed) this.#answer(null);
    else this.#socket.write(request);
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    const bytes = this.#received === null ? chunk : Buffer.concat([this.#received, chunk]);
    const answer = readAnswer(bytes, this.#wantsBody);
    if (answer === "malformed") {
      this.#socket.destroy();
      return;
    }
    this.#received = answer === "incomplete" ? bytes : null;
    if (answer !== "incomplete") this.#answer(answer);
  }

  #answer(answer: Answer | null): void {
    const onAnswer = this.#onAnswer;
    this.#onAnswer = null;
    onAnswer?.(answer);
  }
}

/** Reads an answer with a stated length; what states none cannot be told from one that is cut off, and is malformed here. */
export function readAnswer(bytes: Buffer, wantsBody: boolean): Answer | "incomplete" | "malformed" {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd === -1) return "incomplete";
  const head = bytes.toString("latin1", 0, headEnd);
  const status = Number(head.slice(9, 12));
  if (!head.startsWith("HTTP/1.1 ") || !Number.isInteger(status)) return "malformed";
  const noBidReason = status === NO_CONTENT ? (NO_BID_REASON.exec(head)?.[1] ?? null) : null;
  if (status === NO_CONTENT) return { status, noBidReason, body: "" };
  const length = CONTENT_LENGTH.exec(head)?.[1];
  if (length === undefined) return "malformed";
  const bodyStart = headEnd + HEAD_END.length;
  if (bytes.length < bodyStart + Number(length)) return "incomplete";
  return { status, noBidReason, body: wantsBody ? bytes.toString("utf8", bodyStart) : "" };
}
