/** Something on its way: what its arrival does, and what it does when the sender is gone meanwhile. */
export interface Parcel {
  readonly label: string;
  readonly deliver: () => void;
  /** The sender died: the parcel may still reach the other side, nobody hears the answer. null = it died with its sender. */
  readonly orphan: (() => void) | null;
}

/** Ordered channels between threads, node and broker: nothing overtakes within a channel, anything overtakes between two. */
export class Wires {
  readonly #channels = new Map<string, Parcel[]>();

  post(channel: string, label: string, deliver: () => void, orphan: (() => void) | null = null): void {
    const queue = this.#channels.get(channel);
    if (queue === undefined) this.#channels.set(channel, [{ label, deliver, orphan }]);
    else queue.push({ label, deliver, orphan });
  }

  /** Channels with something in them, in the order they were first used. */
  busy(): string[] {
    const busy: string[] = [];
    for (const [name, queue] of this.#channels) if (queue.length > 0) busy.push(name);
    return busy;
  }

  take(channel: string): Parcel | undefined {
    return this.#channels.get(channel)?.shift();
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
