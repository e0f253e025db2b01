/**
 * Which commits of a partition still have unacknowledged outputs. `published` is the commitSeq up to which all are acknowledged: the
 * record above it is published again after a restart (D2).
 */
export class OutputLedger {
  readonly #open: { readonly commitSeq: number; remaining: number }[] = [];
  #published: number;

  constructor(published: number) {
    this.#published = published;
  }

  get published(): number {
    return this.#published;
  }
  get pending(): number {
    return this.#open.length;
  }

  /** Commits are added in order; one without outputs counts as published when those before it are. */
  add(commitSeq: number, outputs: number): void {
    this.#open.push({ commitSeq, remaining: outputs });
    this.#advance();
  }

  acknowledged(commitSeq: number): void {
    for (const entry of this.#open) {
      if (entry.commitSeq !== commitSeq) continue;
      entry.remaining--;
      break;
    }
    this.#advance();
  }

  #advance(): void {
    let done = 0;
    for (const entry of this.#open) {
      if (entry.remaining > 0) break;
      this.#published = entry.commitSeq;
      done++;
    }
    if (done > 0) this.#open.splice(0, done);
  }
}
