/** Something on its way: what its arrival does, and what it does when the sender is gone meanwhile. */
export interface Parcel {
  readonly label: string;
  readonly deliver: () => void;
  /** The sender died: the parcel may still reach the other side, nobody hears the answer. null = it died with its sender. */
  readonly orphan: (() => void) | null;
  /** It arrives no earlier, on the monotonic clock. */
  readonly dueMs: number;
}

/** Ordered channels between threads, node and broker: nothing overtakes within a channel, anything overtakes between two. */
export class Wires {
  readonly #channels = new Map<string, Parcel[]>();

  post(channel: string, label: string, deliver: () => void, orphan: Parcel["orphan"] = null, dueMs = 0): void {
    const parcel = { label, deliver, orphan, dueMs };
    const queue = this.#channels.get(channel);
    if (queue === undefined) this.#channels.set(channel, [parcel]);
    else queue.push(parcel);
  }

  /** Channels whose next parcel may arrive now, in the order they were first used. */
  busy(nowMs: number): string[] {
    const busy: string[] = [];
    for (const [name, [first]] of this.#channels) if (first !== undefined && first.dueMs <= nowMs) busy.push(name);
    return busy;
  }

  /** When the next parcel may arrive; Infinity = nothing is on its way. */
  nextMs(): number {
    let nextMs = Infinity;
    for (const [first] of this.#channels.values()) nextMs = Math.min(nextMs, first?.dueMs ?? Infinity);
    return nextMs;
  }

  take(channel: string): Parcel | undefined {
    const queue = this.#channels.get(channel);
    const parcel = queue?.shift();
    if (queue?.length === 0) this.#channels.delete(channel);
    return parcel;
  }

  /** Ends every channel whose name begins so. @returns what was in them. */
  cut(prefix: string): Parcel[] {
    const parcels: Parcel[] = [];
    for (const [name, queue] of this.#channels) {
      if (!name.startsWith(prefix)) continue;
      parcels.push(...queue);
      this.#channels.delete(name);
    }
    return parcels;
  }
}
