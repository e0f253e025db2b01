import { mix32 } from "../../protocols/hash.ts";

const HOUR_MS = 3_600_000;

/** Whether listeners leave, or stay and count with the probability that they would still be there (then no chance of leaving adds noise; for policies that do not learn). */
export type Survival = "drawn" | "weighted";

/**
 * What happened in a run, for whoever judges it; policies do not see it. One entry a listener unless said otherwise; bots have none.
 * Every amount counts with the listener's weight: 1 until gone, or under weighted survival the probability of still being there.
 */
export class Outcomes {
  readonly listeners: number;
  readonly days: number;
  /** Days in the first and the last window: 30, or the whole run when shorter. */
  readonly windowDays: number;
  readonly musicHours: Float64Array;
  readonly musicHoursFirst: Float64Array;
  readonly musicHoursLast: Float64Array;
  readonly activeDays: Float64Array;
  readonly activeDaysFirst: Float64Array;
  readonly activeDaysLast: Float64Array;
  /** Whether still there and active in the last window. */
  readonly activeInLast: Float64Array;
  readonly subscribed: Float64Array;
  /** Left for good, without subscribing. */
  readonly left: Float64Array;
  readonly ads: Float64Array;
  readonly effectiveAds: Float64Array;
  readonly revenueMicros: Float64Array;
  readonly oneAdBreaks: Float64Array;
  /** Breaks of two ads or more. */
  readonly pods: Float64Array;
  /** One entry a day, over all listeners. */
  readonly musicHoursByDay: Float64Array;
  readonly revenueMicrosByDay: Float64Array;
  /** Micros by campaign × days + day. */
  readonly spentMicros: Float64Array;
  /** Counts over all listeners; bots and their breaks are in `botAds` and `slots` alone. */
  slots = 0;
  visits = 0;
  purchases = 0;
  /** Sums of the true chances of what was played: the same figure without the noise of whether it happened. */
  expectedVisits = 0;
  expectedPurchases = 0;
  botAds = 0;
  /** A hash of all that happened, in order: the same run, the same hash. */
  hash = 0;

  constructor(listeners: number, days: number, campaigns: number) {
    this.listeners = listeners;
    this.days = days;
    this.windowDays = Math.min(30, days);
    const each = (): Float64Array => new Float64Array(listeners);
    this.musicHours = each();
    this.musicHoursFirst = each();
    this.musicHoursLast = each();
    this.activeDays = each();
    this.activeDaysFirst = each();
    this.activeDaysLast = each();
    this.activeInLast = each();
    this.subscribed = each();
    this.left = each();
    this.ads = each();
    this.effectiveAds = each();
    this.revenueMicros = each();
    this.oneAdBreaks = each();
    this.pods = each();
    this.musicHoursByDay = new Float64Array(days);
    this.revenueMicrosByDay = new Float64Array(days);
    this.spentMicros = new Float64Array(campaigns * days);
  }

  music(listener: number, day: number, milliseconds: number, weight: number): void {
    const hours = (milliseconds / HOUR_MS) * weight;
    add(this.musicHours, listener, hours);
    if (day < this.windowDays) add(this.musicHoursFirst, listener, hours);
    if (day >= this.days - this.windowDays) add(this.musicHoursLast, listener, hours);
    add(this.musicHoursByDay, day, hours);
  }

  activeDay(listener: number, day: number, weight: number): void {
    add(this.activeDays, listener, weight);
    if (day < this.windowDays) add(this.activeDaysFirst, listener, weight);
    if (day < this.days - this.windowDays) return;
    add(this.activeDaysLast, listener, weight);
    this.activeInLast[listener] = Math.max(this.activeInLast[listener]!, weight);
  }

  /** A break that was played, with what its ads paid in all. */
  played(listener: number, day: number, ads: number, effectiveAds: number, paidMicros: number, weight: number): void {
    add(this.ads, listener, ads * weight);
    add(this.effectiveAds, listener, effectiveAds * weight);
    add(this.revenueMicros, listener, paidMicros * weight);
    add(ads === 1 ? this.oneAdBreaks : this.pods, listener, weight);
    add(this.revenueMicrosByDay, day, paidMicros * weight);
  }

  spent(campaign: number, day: number, micros: number): void {
    add(this.spentMicros, campaign * this.days + day, micros);
  }

  /** One ad's chance of a response, and whether it came (the weight, or 0). */
  responded(kind: "visit" | "purchase", came: number, chance: number): void {
    if (kind === "visit") {
      this.visits += came;
      this.expectedVisits += chance;
    } else {
      this.purchases += came;
      this.expectedPurchases += chance;
    }
  }

  /** Folds whole numbers into the hash. */
  note(first: number, second: number, third: number): void {
    this.hash = mix32(mix32(mix32(this.hash ^ first) + second) ^ third);
  }
}

function add(array: Float64Array, index: number, amount: number): void {
  array[index] = array[index]! + amount;
}

/** Sum of a column. */
export function total(column: Float64Array): number {
  return column.reduce((sum, value) => sum + value, 0);
}
