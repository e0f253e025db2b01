import type { Activation } from "./activation.ts";

/**
 * The resident actors of one partition, bounded by bytes and by idleness (D11, passivation). R1: an activation that the open group
 * changed stays. Leaving memory loses nothing: what was sent is in the overlay or folded (D8).
 */
export class Residency {
  /** By kind, then key: a name put together for each envelope was a tenth of a shard's time. */
  readonly #kinds = new Map<string, Map<string, Activation>>();
  #size = 0;
  #sweep: Generator<Activation> | undefined;
  #passBytes = 0;
  #bytes = 0;
  passivated = 0;

  get size(): number {
    return this.#size;
  }

  /** Resident bytes as of the last whole sweep. */
  get bytes(): number {
    return this.#bytes;
  }

  get(kind: string, key: string): Activation | undefined {
    return this.#kinds.get(kind)?.get(key);
  }

  add(activation: Activation): void {
    const { kind, key } = activation.id;
    let actors = this.#kinds.get(kind);
    if (actors === undefined) this.#kinds.set(kind, (actors = new Map<string, Activation>()));
    if (!actors.has(key)) this.#size++;
    actors.set(key, activation);
  }

  remove({ id: { kind, key } }: Activation): void {
    if (this.#kinds.get(kind)?.delete(key) === true) this.#size--;
  }

  *values(): Generator<Activation> {
    for (const actors of this.#kinds.values()) yield* actors.values();
  }

  /**
   * Looks at `count` actors, continuing where the last sweep ended, and passivates the idle ones; all clean ones when `pressed`.
   */
  sweep(count: number, nowMs: number, pressed: boolean, defaultIdleMs: number): void {
    for (let looked = 0; looked < count; looked++) {
      this.#sweep ??= this.values();
      const next = this.#sweep.next();
      if (next.done === true) {
        this.#sweep = undefined;
        this.#bytes = this.#passBytes;
        this.#passBytes = 0;
        return;
      }
      const activation = next.value;
      const idleMs = nowMs - activation.lastUsedMs;
      const limitMs = pressed ? 0 : (activation.definition.passivateAfterMs ?? defaultIdleMs);
      if (activation.dirty || idleMs < limitMs) {
        this.#passBytes += activation.bytes;
        continue;
      }
      this.remove(activation);
      this.passivated++;
    }
  }
}
