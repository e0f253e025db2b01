import type { DrawKey } from "./counter-draws.ts";
import type { Listener } from "./listener.ts";

/** A session to come. */
export interface Appointment {
  readonly key: DrawKey;
  readonly startMs: number;
}

/** What is due for a listener: their next session starts, a track is over, or the session with it. */
export type Due = "session" | "slot" | "end";

/** Everything about one listener that changes. Owned by the simulation; nothing of it leaves but through `Slot` and `Outcomes`. */
export class ListenerState {
  readonly number: number;
  readonly traits: Listener;

  /** Decayed sums of effective ads and of hours of music; their quotient is the slow fatigue F, effective ads an hour. */
  slowAds: number;
  slowHours: number;
  /** Probability of still being there (weighted survival), else 1 until gone. */
  weight = 1;
  gone = false;
  adsToday = 0;
  appointments: readonly Appointment[] = [];
  /** Sessions of this day that have begun. */
  begun = 0;
  /** No session starts before this. */
  freeAtMs = 0;
  due: Due | null = null;

  sessionKey: DrawKey;
  sessionDay = 0;
  sessionNumber = 0;
  genre = 0;
  /** Factor on the chance to skip: attention and the recommender of the day. */
  skipFactor = 1;
  tracks = 0;
  skips = 0;
  skipped = false;
  musicMs = 0;
  adsInSession = 0;
  /** End of the last break of the session, or its start. */
  breakEndMs = 0;
  /** Effective ads lately heard. */
  fast = 0;

  constructor(number: number, traits: Listener, pastHours: number, pastAdsPerHour: number) {
    this.number = number;
    this.traits = traits;
    this.slowHours = pastHours;
    this.slowAds = pastHours * pastAdsPerHour;
    this.sessionKey = traits.key;
  }
}
