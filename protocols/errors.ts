/** What a supervisor or caller does about a fault, unless it knows better. */
export type Disposition = "retry" | "restart" | "dead-letter" | "fatal";

export interface FaultSpec {
  readonly disposition: Disposition;
  /** What an operator can do, in one clause. */
  readonly operator: string;
}

/** Every fault Chorus raises; `docs/errors.md` lists the same codes, and a test compares both. */
export const FAULTS = {
  ACTOR_ABSENT: { disposition: "dead-letter", operator: "the actor was forgotten or never opened; nothing to do" },
  ACTOR_PAUSED: { disposition: "retry", operator: "an operator paused it; `chorus control resume`" },
  ACTOR_STOPPED: {
    disposition: "dead-letter",
    operator: "inspect the actor's last error, then `chorus control restart`",
  },
  ASK_EXPIRED: {
    disposition: "retry",
    operator: "the node is overloaded or the partition is moving; look at `chorus status`",
  },
  CODEC_INVALID: {
    disposition: "dead-letter",
    operator: "a producer sends bytes that are not an envelope; find it by subject",
  },
  CODEC_LIMIT: { disposition: "dead-letter", operator: "a producer exceeds a limit of size, depth or count" },
  COMMIT_FAILED: { disposition: "restart", operator: "the store refused a record; the partition is opened again" },
  CONFIG_INVALID: { disposition: "fatal", operator: "mend the settings that the message names" },
  DATA_LOCKED: { disposition: "fatal", operator: "another daemon uses this data folder; stop it or choose another" },
  EFFECT_REFUSED: {
    disposition: "dead-letter",
    operator: "an agent collects an effect that the runtime forbids; mend the agent",
  },
  ENVELOPE_TOO_LARGE: {
    disposition: "dead-letter",
    operator: "an agent sends more than 6 MB in one envelope; mend the agent",
  },
  EPOCH_LOST: { disposition: "restart", operator: "another owner holds a higher epoch of this partition" },
  HANDLER_FAILED: { disposition: "retry", operator: "an agent threw; see its dead letters and the log" },
  HANDLER_CRASHED: {
    disposition: "dead-letter",
    operator: "a thread ended in this envelope again and again; mend the agent, then `chorus control retry`",
  },
  HANDLER_HUNG: {
    disposition: "dead-letter",
    operator: "a handler did not return within `supervision.hangAfterMs`; mend the agent, then `chorus control retry`",
  },
  HANDLER_OUT_OF_MEMORY: {
    disposition: "dead-letter",
    operator:
      "a handler needs more than `supervision.heapBytesMax`; mend the agent or raise it, then `chorus control retry`",
  },
  HANDLER_UNKNOWN: {
    disposition: "dead-letter",
    operator: "a message of a newer or other release; check the versions of the nodes",
  },
  MAILBOX_FULL: { disposition: "retry", operator: "the node is overloaded: add shards or nodes, or lower the load" },
  MAIL_GAP: { disposition: "retry", operator: "mail of a sender is missing; `chorus control accept-gap` resumes" },
  NATS_PORT_TAKEN: {
    disposition: "fatal",
    operator: "another process listens there; set `--nats-port` to a free port",
  },
  NATS_SERVER_MISSING: {
    disposition: "fatal",
    operator: "install nats-server 2.11 or newer, or set CHORUS_NATS_SERVER to its path",
  },
  NATS_START_FAILED: { disposition: "fatal", operator: "the managed nats-server did not come up; read its last lines" },
  NATS_STORE_IN_USE: {
    disposition: "fatal",
    operator: "another nats-server uses this store folder; stop it or choose another data folder",
  },
  NATS_SYNC_NOT_ALWAYS: {
    disposition: "fatal",
    operator: "set `sync_interval: always` in the server's jetstream block; less loses acknowledged messages",
  },
  NATS_UNAVAILABLE: {
    disposition: "retry",
    operator: "NATS does not answer; see the server's log and `chorus status`",
  },
  NOT_OWNER: { disposition: "retry", operator: "the partition is opening or moved; ask again" },
  OVERLOADED: { disposition: "retry", operator: "the node sheds load; add shards or nodes" },
  PARTITIONS_MISMATCH: {
    disposition: "fatal",
    operator: "the cluster was created with another number of partitions; configure that number",
  },
  RECORD_CORRUPT: { disposition: "fatal", operator: "a stored record fails its checksum; restore the partition" },
  STATE_CORRUPT: { disposition: "fatal", operator: "stored state fails its checksum; restore the partition" },
  STATE_TOO_NEW: { disposition: "fatal", operator: "roll forward: a newer release wrote it" },
  STORE_CLOSED: { disposition: "restart", operator: "the store is stopping or has failed; see the log" },
  STORE_REFUSED: {
    disposition: "restart",
    operator: "a record does not follow the last one; the partition is opened again",
  },
  STREAM_INCOMPATIBLE: {
    disposition: "fatal",
    operator: "a stream of that name exists with a setting that cannot be changed; remove it or use another account",
  },
  STREAM_REWOUND: {
    disposition: "fatal",
    operator: "a stream lost messages it had acknowledged; restore from checkpoint",
  },
} as const satisfies Record<string, FaultSpec>;

export type FaultCode = keyof typeof FAULTS;

export interface FaultOptions {
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** A fault: something broke, as against a refusal, which is an answer. Carries a catalogued code across threads and the wire. */
export class Fault extends Error {
  readonly code: FaultCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: FaultCode, message: string, options: FaultOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "Fault";
    this.code = code;
    this.details = options.details ?? {};
  }

  get disposition(): Disposition {
    return FAULTS[this.code].disposition;
  }
}

/** A fault as it crosses threads and the wire. */
export interface WireFault {
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export function toWireFault(error: unknown): WireFault {
  if (error instanceof Fault) return { code: error.code, message: error.message, details: error.details };
  return { code: "HANDLER_FAILED", message: error instanceof Error ? error.message : String(error), details: {} };
}

/** Rebuilds a fault by its code; a code this release does not know is HANDLER_FAILED and keeps the original in `details.code`. */
export function fromWireFault(wire: WireFault): Fault {
  if (Object.hasOwn(FAULTS, wire.code))
    return new Fault(wire.code as FaultCode, wire.message, { details: wire.details });
  return new Fault("HANDLER_FAILED", wire.message, { details: { ...wire.details, code: wire.code } });
}

/** Asserts an invariant in production; a broken one is a fault of this actor only. */
export function assertInvariant(
  condition: boolean,
  invariant: string,
  details: Record<string, unknown> = {},
): asserts condition {
  if (!condition) throw new Fault("EFFECT_REFUSED", `invariant broken: ${invariant}`, { details });
}
