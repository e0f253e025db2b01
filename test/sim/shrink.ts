import { faultsOf } from "./faults.ts";

/** A run that breaks a promise: what is needed to run it again. */
export interface Failure {
  readonly seed: number;
  readonly operations: number;
  readonly without: readonly string[];
}

const SMALLER = [3, 5, 8, 12, 20, 30];

/**
 * Looks for less that still fails: leaves out one kind of fault after another, then most of the client's operations. A smaller run is
 * another history, so each is tried and nothing is assumed. At most some twenty runs.
 * @returns `found` itself when nothing smaller fails.
 */
export function shrink(found: Failure, fails: (tried: Failure) => boolean): Failure {
  let least = found;
  for (const fault of Object.keys(faultsOf(1))) {
    if (least.without.includes(fault)) continue;
    const tried = { ...least, without: [...least.without, fault] };
    if (fails(tried)) least = tried;
  }
  for (const operations of SMALLER) {
    if (operations >= least.operations) break;
    const tried = { ...least, operations };
    if (fails(tried)) return tried;
  }
  return least;
}
