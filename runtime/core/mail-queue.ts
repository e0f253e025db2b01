import { decodeMail, type MailMessage } from "../../protocols/envelope.ts";
import { Fault } from "../../protocols/errors.ts";

export interface QueuedMail {
  readonly sequence: number;
  readonly bytes: Uint8Array;
  /** Decoded when its turn comes. */
  message: MailMessage | Fault | null;
}

const BYTES_MAX = 8 * 1024 * 1024;
const MESSAGES_MAX = 256;

/**
 * Mail of one partition that arrived and waits for its turn, bounded by bytes and messages: above the bound the consumer is paused,
 * below half of it resumed (D11).
 */
export class MailQueue {
  readonly #messages: QueuedMail[] = [];
  #bytes = 0;
  #newest: number;
  paused = false;

  constructor(appliedSequence: number) {
    this.#newest = appliedSequence - 1;
  }

  get length(): number {
    return this.#messages.length;
  }
  get bytes(): number {
    return this.#bytes;
  }
  get newestSequence(): number {
    return this.#newest;
  }

  /** A message that was queued before is ignored. */
  push(sequence: number, bytes: Uint8Array): void {
    if (sequence <= this.#newest) return;
    this.#newest = sequence;
    this.#messages.push({ sequence, bytes, message: null });
    this.#bytes += bytes.byteLength;
  }

  /** The message whose turn it is, decoded; a Fault when its bytes are not mail. */
  head(): { readonly sequence: number; readonly message: MailMessage | Fault } | undefined {
    const first = this.#messages[0];
    if (first === undefined) return undefined;
    first.message ??= decodeOrFault(first.bytes);
    return { sequence: first.sequence, message: first.message };
  }

  shift(): void {
    const first = this.#messages.shift();
    if (first !== undefined) this.#bytes -= first.bytes.byteLength;
  }

  /** Whether the consumer should pause or resume now; null = leave it. */
  flow(): "pause" | "resume" | null {
    const full = this.#bytes > BYTES_MAX || this.#messages.length > MESSAGES_MAX;
    if (!this.paused && full) {
      this.paused = true;
      return "pause";
    }
    if (this.paused && this.#bytes < BYTES_MAX / 2 && this.#messages.length < MESSAGES_MAX / 2) {
      this.paused = false;
      return "resume";
    }
    return null;
  }
}

function decodeOrFault(bytes: Uint8Array): MailMessage | Fault {
  try {
    return decodeMail(bytes);
  } catch (error) {
    return error instanceof Fault ? error : new Fault("CODEC_INVALID", "mail cannot be decoded", { cause: error });
  }
}
