import type { TapEnd, TapReport, TappedMessage } from "../core/taps.ts";

/** Taps this node remembers, running or ended, and messages it keeps of each. */
const TAPS_MAX = 16;
const MESSAGES_MAX = 1_000;
/** So long after its time a tap that was not heard to end is taken for lost: its thread died. */
const LOST_AFTER_MS = 10_000;

export interface TapTarget {
  readonly kind: string;
  readonly key: string;
}

/** What came of a tap so far; `next` is what to ask for after it. */
export interface TapPage {
  readonly tap: string;
  readonly messages: readonly TappedMessage[];
  readonly next: number;
  /** null while it runs. */
  readonly ended: TapEnd | { readonly why: "lost" } | null;
}

interface Kept {
  readonly target: TapTarget;
  readonly untilMs: number;
  readonly messages: TappedMessage[];
  /** Number of the first kept message. */
  first: number;
  ended: TapPage["ended"];
}

export interface TapDeskOptions {
  readonly nowMs: () => number;
  /** Publishes an event of kind `tap`: never with payloads, because viewers hear it. */
  readonly publish: (event: string, details: Record<string, unknown>) => void;
}

/**
 * Where the reports of taps come together: published as `chorus.events.NODE.tap.NAME`, and kept a while for whoever started the tap and
 * asks for them, with payloads if he wanted them. K1: bounded in taps and messages; the oldest leave first.
 */
export class TapDesk {
  readonly #options: TapDeskOptions;
  readonly #taps = new Map<string, Kept>();
  #number = 0;

  constructor(options: TapDeskOptions) {
    this.#options = options;
  }

  /** @returns the tap's name. */
  open(target: TapTarget, forMs: number): string {
    const name = `tap-${++this.#number}`;
    const untilMs = this.#options.nowMs() + forMs;
    this.#taps.set(name, { target, untilMs, messages: [], first: 0, ended: null });
    const [oldest] = this.#taps.keys();
    if (this.#taps.size > TAPS_MAX && oldest !== undefined) this.#taps.delete(oldest);
    return name;
  }

  forget(name: string): void {
    this.#taps.delete(name);
  }

  take(report: TapReport): void {
    const kept = this.#taps.get(report.tap);
    if (kept === undefined) return;
    const { kind, key } = kept.target;
    if ("ended" in report) {
      kept.ended = report.ended;
      this.#options.publish(report.tap, { of: kind, key, ended: report.ended });
      return;
    }
    const { payload: _operatorsOnly, ...shown } = report.message;
    this.#options.publish(report.tap, { of: kind, key, ...shown });
    kept.messages.push(report.message);
    if (kept.messages.length <= MESSAGES_MAX) return;
    kept.messages.shift();
    kept.first++;
  }

  /** @param after `next` of the page before; 0 = from the first. @returns undefined when there is no such tap. */
  page(name: string, after: number): TapPage | undefined {
    const kept = this.#taps.get(name);
    if (kept === undefined) return undefined;
    if (kept.ended === null && this.#options.nowMs() > kept.untilMs + LOST_AFTER_MS) kept.ended = { why: "lost" };
    const messages = kept.messages.slice(Math.max(0, after - kept.first));
    return { tap: name, messages, next: kept.first + kept.messages.length, ended: kept.ended };
  }
}
