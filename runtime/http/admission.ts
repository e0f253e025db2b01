/** Bounds what is under way at once, so that pressure reaches the client as an answer and never as a growing heap (D11). */
export interface Admission {
  /** Runs the work, or gives `refused` at once when there is too much of it. */
  admit<T>(work: () => Promise<T>, refused: T): Promise<T>;
}

/** @param shedding whether the node is under pressure for reasons of its own. */
export function createAdmission(inFlightMax: number, shedding: () => boolean): Admission {
  let inFlight = 0;
  return {
    async admit(work, refused) {
      if (inFlight >= inFlightMax || shedding()) return refused;
      inFlight += 1;
      try {
        return await work();
      } finally {
        inFlight -= 1;
      }
    },
  };
}
