import type { Activation } from "./activation.ts";

/**
 * The resident actors of one partition, bounded by bytes and by idleness (D11, passivation). R1: an activation that the open group
 * changed stays. Leaving memory loses nothing: what was sent is in the overlay or folded (D8).
 */
export class Residency {
  readonly #actors = new Map<string, Activation>();
  #sweep: MapIterator<[string, Activation]> | undefined;
  #passBytes = 0;
  #bytes = 0;
  passivated = 0;

  get size(): number {
    return this.#actors.size;
  }

  /** Resident bytes as of the last whole sweep. */
  get bytes(): number {
    return this.#bytes;
  }

  get(kind: string, key: string): Activation | undefined {
    return this.#actors.get(residencyKey(kind, key));
  }

  add(activation: Activation): void {
    this.#actors.set(residencyKey(activation.id.kind, activation.id.key), activation);
  }

  remove(activation: Activation): void {
    this.#actors.delete(residencyKey(activation.id.kind, activation.id.key));
  }

  values(): MapIterator<Activation> {
    return this.#actors.values();
  }

  /**
   * Looks at `count` actors, continuing where the last sweep ended, and passivates the idle ones; all clean ones when `pressed`.
   */
  sweep(count: number, nowMs: number, pressed: boolean, defaultIdleMs: number): void {
    for (let looked = 0; looked < count; looked++) {
      this.#sweep ??= this.#actors.entries();
      const next = this.#sweep.next();
      if (next.done === true) {
        this.#sweep = undefined;
        this.#bytes = this.#passBytes;
        this.#passBytes = 0;
        return;
      }
      const [key, activation] = next.value;
      const idleMs = nowMs - activation.lastUsedMs;
      const limitMs = pressed ? 0 : (activation.definition.passivateAfterMs ?? defaultIdleMs);
      if (activation.dirty || idleMs < limitMs) {
        this.#passBytes += activation.bytes;
        continue;
      }
      this.#actors.delete(key);
      this.passivated++;
    }
  }
}

function residencyKey(kind: string, key: string): string {
  return `${kind}\u0000${key}`;
}
