/** The last value of each topic on this shard; swapped between groups only, so that one group sees one version (D17). */
export class SnapshotTable {
  readonly #values = new Map<string, { readonly version: number; readonly value: unknown }>();

  get(topic: string): { readonly version: number; readonly value: unknown } | undefined {
    return this.#values.get(topic);
  }

  /** An older version than the one held is ignored. @returns whether the value was taken. */
  put(topic: string, version: number, value: unknown): boolean {
    const held = this.#values.get(topic);
    if (held !== undefined && held.version >= version) return false;
    this.#values.set(topic, { version, value });
    return true;
  }
}
