import { decode, encode } from "../../protocols/codec.ts";
import { Fault } from "../../protocols/errors.ts";
import { formatActorId, type ActorId } from "../../protocols/ids.ts";
import { decodeStatePart, encodeStatePart, type Sealer } from "../../protocols/state-part.ts";
import type { AnyActor } from "../actor/define.ts";
import { upgradeState, type VersionedState } from "../actor/state.ts";
import { EMPTY_HEADER, HEADER_PART, headerState, type Header } from "./header.ts";
import { ABSENT, type PartSource, type PartValue } from "./part-log.ts";

/** Bytes an activation costs beside its state; performance.md R7 allows 400. */
const ACTIVATION_BYTES = 400;

/** A resident part, with its encoded size. */
interface Slot {
  value: PartValue;
  bytes: number;
}

/** How an activation reads what is not resident. */
export interface PartReader {
  read(kind: string, key: string, part: string): Uint8Array | undefined;
  parts(kind: string, key: string, prefix: string): string[];
}

/**
 * A resident actor: decoded state, read lazily part by part, and what supervision knows of it. Owns no durability: the group that
 * changes it writes the record.
 */
export class Activation implements PartSource {
  readonly id: ActorId;
  readonly definition: AnyActor;
  readonly #reader: PartReader;
  readonly #sealer: Sealer;
  /** The one value of an actor without parts: most actors need no table. */
  #value: Slot | undefined;
  #parts: Map<string, Slot> | undefined;
  #header: Header | undefined;
  #bytes = ACTIVATION_BYTES;
  lastUsedMs = 0;
  /** commitSeq of the last change seen since activation; 0 = none. */
  version = 0;
  restarts = 0;
  /** Wall clock of recent failures, for the restart budget. */
  failuresMs: number[] = [];
  lastError: string | null = null;
  /** Wall clock of the first use since it became resident. */
  sinceMs = 0;
  /** What it holds was last read for a group that is still open: it is dropped when that closes. */
  #restartDue = false;
  /** Set while a group that changed this activation is open: it may not leave memory. */
  dirty = false;

  constructor(id: ActorId, definition: AnyActor, reader: PartReader, sealer: Sealer) {
    this.id = id;
    this.definition = definition;
    this.#reader = reader;
    this.#sealer = sealer;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Encoded size of a resident part as last read or written; 0 for a new one. */
  bytesOf(name: string): number {
    return this.#slot(name)?.bytes ?? 0;
  }

  get header(): Header {
    if (this.#header === undefined) {
      // Most actors have none: nothing is kept for them.
      const kept =
        this.#slot(HEADER_PART) !== undefined ||
        this.#reader.read(this.id.kind, this.id.key, HEADER_PART) !== undefined;
      const stored = kept ? this.read(HEADER_PART) : ABSENT;
      this.#header = stored === ABSENT ? EMPTY_HEADER : (stored as Header);
    }
    return this.#header;
  }

  /** Whether an actor with one state value exists. */
  get exists(): boolean {
    return this.read("") !== ABSENT;
  }

  /** @throws Fault STATE_CORRUPT or STATE_TOO_NEW; the actor is then stopped. */
  read(name: string): PartValue {
    const resident = this.#slot(name);
    if (resident !== undefined) return resident.value;
    const bytes = this.#reader.read(this.id.kind, this.id.key, name);
    const value = bytes === undefined ? ABSENT : this.#decode(name, bytes);
    this.#keep(name, value, bytes?.byteLength ?? 0);
    return value;
  }

  names(prefix: string): string[] {
    const names = new Set(this.#reader.parts(this.id.kind, this.id.key, prefix));
    const note = (name: string, { value }: Slot): void => {
      if (!name.startsWith(prefix)) return;
      if (value === ABSENT) names.delete(name);
      else names.add(name);
    };
    if (this.#value !== undefined) note("", this.#value);
    for (const [name, slot] of this.#parts ?? []) note(name, slot);
    names.delete(HEADER_PART);
    return [...names].sort();
  }

  /** Takes a value over after its envelope succeeded. */
  set(name: string, value: PartValue): void {
    const slot = this.#slot(name);
    if (slot === undefined) this.#keep(name, value, 0);
    else slot.value = value;
    if (name === HEADER_PART) this.#header = value === ABSENT ? EMPTY_HEADER : (value as Header);
  }

  /** Encodes a resident part for the record; null when it was deleted. */
  encode(name: string): Uint8Array | null {
    const slot = this.#slot(name);
    if (slot === undefined || slot.value === ABSENT) return null;
    const spec = this.#spec(name);
    const plain = encode(slot.value);
    const sealed = spec.personal === true || (name === HEADER_PART && this.header.stash.length > 0);
    const body = sealed ? this.#sealer.seal(plain, `${formatActorId(this.id)}/${name}`) : plain;
    this.#bytes += body.byteLength - slot.bytes;
    slot.bytes = body.byteLength;
    return encodeStatePart({ schemaVersion: spec.version, sealed, body });
  }

  /** Directive restart: resident values are dropped and read anew, once the group that changed them is closed. */
  restart(): void {
    this.restarts++;
    if (this.dirty) this.#restartDue = true;
    else this.#reset();
  }

  /** The group that changed it was closed, and its values encoded. */
  settle(): void {
    this.dirty = false;
    if (!this.#restartDue) return;
    this.#restartDue = false;
    this.#reset();
  }

  #reset(): void {
    this.#value = undefined;
    this.#parts = undefined;
    this.#header = undefined;
    this.#bytes = ACTIVATION_BYTES;
  }

  #slot(name: string): Slot | undefined {
    return name === "" ? this.#value : this.#parts?.get(name);
  }

  #keep(name: string, value: PartValue, bytes: number): void {
    if (name === "") this.#value = { value, bytes };
    else (this.#parts ??= new Map()).set(name, { value, bytes });
    this.#bytes += bytes;
  }

  #decode(name: string, bytes: Uint8Array): unknown {
    const part = decodeStatePart(bytes);
    const spec = this.#spec(name);
    const plain = part.sealed ? this.#sealer.open(part.body, `${formatActorId(this.id)}/${name}`) : part.body;
    return upgradeState(spec, part.schemaVersion, decode(plain));
  }

  #spec(name: string): VersionedState<unknown> {
    if (name === HEADER_PART) return headerState;
    if (this.definition.parts !== undefined) return this.definition.parts.part(name) as VersionedState<unknown>;
    if (this.definition.state === undefined)
      throw new Fault("CONFIG_INVALID", `actor ${this.id.kind} defines no state`);
    return this.definition.state as VersionedState<unknown>;
  }
}
