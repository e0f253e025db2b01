/*
 * The one door between the world and whoever decides. Through it go facts that an ad server can observe, decisions, and feedback in the
 * order of the virtual clock. Sensitivity, fatigue, activity, frailty, creatives' effects and who is a bot stay inside.
 */

/** The open market in the place of a campaign's index. */
export const OPEN_MARKET = -1;

/** Most ads in one break. */
export const POD_ADS_MAX = 4;

/** A moment between two tracks in which ads may play. The object is reused: copy what is to be kept beyond `decide`. */
export interface Slot {
  /** Counts up through the run; feedback names it. */
  readonly slot: number;
  /** Who listens, 0 to listeners − 1. */
  readonly listener: number;
  /** Virtual time; day 0 begins at 0, a Monday. */
  readonly nowMs: number;
  readonly day: number;
  /** 0 to 1,439, local. */
  readonly minuteOfDay: number;
  /** Index into `Setup.ages`, as declared at registration. */
  readonly age: number;
  /** Index into `Setup.platforms`. */
  readonly platform: number;
  /** Index into `Setup.genres`: that of the session. */
  readonly genre: number;
  /** Number of the session among those of its day, from 0. */
  readonly session: number;
  /** Tracks played or skipped in this session so far, at least 1. */
  readonly tracks: number;
  /** Whether the last of them was skipped. */
  readonly skipped: boolean;
  /** Since the end of the last break of this session, or since its start. */
  readonly sinceBreakMs: number;
  readonly adsInSession: number;
  /** On this calendar day. */
  readonly adsToday: number;
  /** What the open market pays for one 30 s ad now, micros; 0: nobody bids. */
  readonly priceMicros: number;
}

export interface PlannedAd {
  /** Index into `Setup.campaigns`, or `OPEN_MARKET`. */
  readonly campaign: number;
  /** One of `Demand.creatives(campaign)`; 0 for the open market. */
  readonly creative: number;
  readonly lengthSeconds: 15 | 30;
}

/** The ads of the break in order: none, one, or a pod of up to `POD_ADS_MAX`. */
export type Decision = readonly PlannedAd[];

/** Who would pay what in the slot at hand. Asked only while it is decided; each answer is the same however often it is asked. */
export interface Demand {
  /**
   * @param position in the pod, from 0: later positions pay less (repetition), and the open market fills each on its own.
   * @returns micros for one ad; 0: no bid.
   */
  priceMicros(campaign: number, position: number, lengthSeconds: 15 | 30): number;
  /** The creatives live now; an id is never used for another creative of the campaign. */
  creatives(campaign: number): readonly number[];
  /** What the campaign may spend on a day, micros; 0 outside its days. */
  budgetMicros(campaign: number, day: number): number;
}

/** What is known before the first slot. */
export interface Setup {
  readonly listeners: number;
  readonly days: number;
  readonly ages: readonly string[];
  readonly platforms: readonly string[];
  readonly genres: readonly string[];
  readonly campaigns: readonly {
    readonly name: string;
    readonly advertiser: string;
    readonly startDay: number;
    readonly endDay: number;
  }[];
}

interface AdReport {
  readonly slot: number;
  readonly position: number;
  readonly listener: number;
  readonly nowMs: number;
  readonly campaign: number;
  readonly creative: number;
}

/** Reported when the ad is over. */
export interface Impression extends AdReport {
  readonly kind: "impression";
  readonly lengthSeconds: 15 | 30;
  readonly priceMicros: number;
  readonly completed: boolean;
}

/** Reported up to 30 days after the impression. */
export interface Conversion extends AdReport {
  readonly kind: "visit" | "purchase";
  readonly shownAtMs: number;
}

export interface SessionEnd {
  readonly kind: "session-end";
  readonly listener: number;
  readonly nowMs: number;
  /** The day on which it began. */
  readonly day: number;
  readonly tracks: number;
  readonly skips: number;
  /** Music heard, without ads. */
  readonly musicMs: number;
}

export type Feedback = Impression | Conversion | SessionEnd;

/** Whoever decides. Called in the order of the virtual clock: all feedback due by a slot's time comes before the slot. */
export interface Policy {
  readonly name: string;
  begin?(setup: Setup): void;
  decide(slot: Slot, demand: Demand): Decision;
  onFeedback?(feedback: Feedback): void;
}
