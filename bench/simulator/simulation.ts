import { rootKey } from "./counter-draws.ts";
import { DailyLife } from "./daily-life.ts";
import { Fatigue } from "./fatigue.ts";
import { Population } from "./listener.ts";
import type { ListenerState } from "./listener-state.ts";
import { Market } from "./market.ts";
import { Outcomes, type Survival } from "./outcomes.ts";
import { Playback } from "./playback.ts";
import type { Decision, Demand, Feedback, Setup, Slot } from "./policy.ts";
import { Sessions } from "./session.ts";
import { TimeQueue } from "./time-queue.ts";
import { DAY_MS } from "./tracking.ts";
import type { World } from "./world-file.ts";

const MINUTE_MS = 60_000;

export interface RunSettings {
  /** A whole number, 0 to 2^53 − 1. */
  readonly seed: number;
  readonly listeners: number;
  readonly days: number;
  /** Default: drawn. */
  readonly survival?: Survival;
}

type OpenSlot = { -readonly [Field in keyof Slot]: Slot[Field] };

/**
 * A world in motion on its virtual clock: `next` runs to the next slot of any listener, `answer` takes the decision on it; between the
 * two the caller may wait for whom it likes, a kernel or a daemon. Slots and feedback come in the order of time over all listeners.
 * S1: the same world, settings and answers give the same run. S2: what one listener draws depends on nothing of any other, nor on decisions.
 */
export class Simulation {
  readonly setup: Setup;
  readonly demand: Demand;
  readonly outcomes: Outcomes;
  readonly #market: Market;
  readonly #life: DailyLife;
  readonly #sessions: Sessions;
  readonly #playback: Playback;
  readonly #listeners: readonly ListenerState[];
  readonly #due = new TimeQueue<ListenerState>();
  readonly #feedback = new TimeQueue<Feedback>();
  readonly #daypartOfHour: readonly number[];
  readonly #gapMs: number;
  readonly #slot: OpenSlot;
  #sink: ((feedback: Feedback) => void) | null = null;
  #reports = 0;
  #answering: ListenerState | null = null;
  #nowMs = 0;
  #day = -1;

  constructor(world: World, settings: RunSettings) {
    const { seed, listeners, days, survival = "drawn" } = settings;
    const root = rootKey(seed);
    const fatigue = new Fatigue(world.fatigue);
    this.setup = setupOf(world, settings);
    this.outcomes = new Outcomes(listeners, days, world.campaigns.length);
    this.demand = this.#market = new Market(world, listeners);
    this.#life = new DailyLife(world, fatigue, survival);
    this.#sessions = new Sessions(world, fatigue);
    this.#playback = new Playback(world, root, fatigue, this.#market, this.outcomes);
    const population = new Population(world, root);
    this.#listeners = Array.from({ length: listeners }, (_, number) =>
      this.#life.born(number, population.listener(number)),
    );
    this.#daypartOfHour = Array.from({ length: 24 }, (_, hour) =>
      world.sessions.dayparts.findLastIndex((part) => part.fromHour <= hour),
    );
    this.#gapMs = world.sessions.gapMinutes * MINUTE_MS;
    this.#slot = emptySlot();
  }

  /** Hears all feedback from here on; without a sink none is made. */
  onFeedback(sink: (feedback: Feedback) => void): void {
    this.#sink = sink;
  }

  /** Runs on to the next slot. @returns null when the run is over; feedback due after its last day is not delivered. */
  next(): Slot | null {
    if (this.#answering !== null) throw new Error("the slot at hand is answered before the next one is asked for");
    for (;;) {
      const dueMs = this.#due.nextMs;
      if (dueMs >= (this.#day + 1) * DAY_MS) {
        this.#deliver((this.#day + 1) * DAY_MS - 1);
        if (this.#day + 1 >= this.setup.days) return null;
        this.#beginDay();
        continue;
      }
      this.#deliver(dueMs);
      this.#nowMs = dueMs;
      const state = this.#due.pop()!;
      if (state.due === "slot") return this.#open(state);
      if (state.due === "end") this.#endSession(state);
      else this.#beginSession(state);
    }
  }

  /**
   * Takes the decision on the slot that `next` returned.
   * @throws PolicyFault when it is none that could be carried out; the slot stays open.
   */
  answer(decision: Decision): void {
    const state = this.#answering;
    if (state === null) throw new Error("there is no slot to answer");
    const { slot } = this.#slot;
    let breakMs = 0;
    if (decision.length > 0) {
      const report = this.#sink === null ? null : (feedback: Feedback): void => this.#report(feedback);
      breakMs = this.#playback.play(state, { slot, day: this.#day, nowMs: this.#nowMs }, decision, report);
    } else this.outcomes.note(state.number, this.#nowMs, 0);
    this.#answering = null;
    this.outcomes.slots++;
    this.#playTrack(state, this.#nowMs + breakMs);
  }

  #beginDay(): void {
    this.#day++;
    this.#nowMs = this.#day * DAY_MS;
    for (const state of this.#listeners) {
      this.#life.begin(state, this.#day, this.outcomes);
      // Whoever still listens after midnight goes on, and comes back for the new day's sessions afterwards.
      if (state.due === null) this.#awaitSession(state);
    }
  }

  #awaitSession(state: ListenerState): void {
    const appointment = state.appointments[state.begun];
    state.due = appointment === undefined ? null : "session";
    if (appointment === undefined) return;
    this.#due.push(Math.max(appointment.startMs, state.freeAtMs), state.number, state);
  }

  #beginSession(state: ListenerState): void {
    // A session that was put off beyond midnight gives way to the new day's.
    if (state.appointments[state.begun] === undefined) return void (state.due = null);
    this.#sessions.begin(state, this.#day, this.#nowMs);
    this.#playTrack(state, this.#nowMs);
  }

  #playTrack(state: ListenerState, atMs: number): void {
    const heardMs = this.#sessions.playTrack(state);
    if (!state.traits.bot) this.outcomes.music(state.number, this.#day, heardMs, state.weight);
    this.#due.push(atMs + heardMs, state.number, state);
  }

  #endSession(state: ListenerState): void {
    const { number, sessionDay, tracks, skips, musicMs } = state;
    this.outcomes.note(number, this.#nowMs, tracks);
    state.freeAtMs = this.#nowMs + this.#gapMs;
    this.#sink?.({
      kind: "session-end",
      listener: number,
      nowMs: this.#nowMs,
      day: sessionDay,
      tracks,
      skips,
      musicMs,
    });
    this.#awaitSession(state);
  }

  #open(state: ListenerState): Slot {
    const slot = this.#slot;
    const minuteOfDay = Math.floor((this.#nowMs - this.#day * DAY_MS) / MINUTE_MS);
    const { platform, age } = state.traits;
    const { sessionKey, tracks, genre, adsToday } = state;
    const daypart = this.#daypartOfHour[Math.floor(minuteOfDay / 60)]!;
    this.#market.open({ sessionKey, track: tracks, day: this.#day, platform, genre, daypart, adsToday });
    slot.slot = this.outcomes.slots;
    slot.listener = state.number;
    slot.nowMs = this.#nowMs;
    slot.day = this.#day;
    slot.minuteOfDay = minuteOfDay;
    slot.age = age;
    slot.platform = platform;
    slot.genre = genre;
    slot.session = state.sessionNumber;
    slot.tracks = tracks;
    slot.skipped = state.skipped;
    slot.sinceBreakMs = this.#nowMs - state.breakEndMs;
    slot.adsInSession = state.adsInSession;
    slot.adsToday = adsToday;
    slot.priceMicros = this.#market.openPriceMicros();
    this.#answering = state;
    return slot;
  }

  #report(feedback: Feedback): void {
    this.#feedback.push(feedback.nowMs, this.#reports++, feedback);
  }

  #deliver(untilMs: number): void {
    if (this.#sink === null) return;
    while (this.#feedback.nextMs <= untilMs) this.#sink(this.#feedback.pop()!);
  }
}

function setupOf({ population, campaigns }: World, { listeners, days }: RunSettings): Setup {
  const names = (list: readonly { readonly name: string }[]): readonly string[] => list.map((each) => each.name);
  return {
    listeners,
    days,
    ages: names(population.ages),
    platforms: names(population.platforms),
    genres: names(population.genres),
    campaigns: campaigns.map(({ name, advertiser, startDay, endDay }) => ({ name, advertiser, startDay, endDay })),
  };
}

function emptySlot(): OpenSlot {
  return {
    slot: 0,
    listener: 0,
    nowMs: 0,
    day: 0,
    minuteOfDay: 0,
    age: 0,
    platform: 0,
    genre: 0,
    session: 0,
    tracks: 0,
    skipped: false,
    sinceBreakMs: 0,
    adsInSession: 0,
    adsToday: 0,
    priceMicros: 0,
  };
}
