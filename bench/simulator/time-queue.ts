/** A binary heap of things by due time; equal times come out by `tie`, so that the order depends on nothing but the contents. */
export class TimeQueue<T> {
  readonly #times: number[] = [];
  readonly #ties: number[] = [];
  readonly #items: T[] = [];

  /** When the next thing is due, ms; Infinity when empty. */
  get nextMs(): number {
    return this.#times[0] ?? Infinity;
  }

  push(atMs: number, tie: number, item: T): void {
    let at = this.#times.length;
    this.#times.push(atMs);
    this.#ties.push(tie);
    this.#items.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  /** Takes the next thing; undefined when empty. */
  pop(): T | undefined {
    const last = this.#times.length - 1;
    if (last < 0) return undefined;
    this.#swap(0, last);
    this.#times.pop();
    this.#ties.pop();
    const item = this.#items.pop();
    this.#sink();
    return item;
  }

  #sink(): void {
    const length = this.#times.length;
    for (let at = 0; ;) {
      const left = 2 * at + 1;
      if (left >= length) return;
      const child = left + 1 < length && this.#before(left + 1, left) ? left + 1 : left;
      if (!this.#before(child, at)) return;
      this.#swap(at, child);
      at = child;
    }
  }

  #before(a: number, b: number): boolean {
    const difference = this.#times[a]! - this.#times[b]!;
    return difference < 0 || (difference === 0 && this.#ties[a]! < this.#ties[b]!);
  }

  #swap(a: number, b: number): void {
    const [time, tie, item] = [this.#times[a]!, this.#ties[a]!, this.#items[a]!];
    this.#times[a] = this.#times[b]!;
    this.#ties[a] = this.#ties[b]!;
    this.#items[a] = this.#items[b]!;
    this.#times[b] = time;
    this.#ties[b] = tie;
    this.#items[b] = item;
  }
}
