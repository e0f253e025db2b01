import { cumulativeShares, pick, PURPOSE, uniform } from "./counter-draws.ts";
import { recommenderOn } from "./daily-life.ts";
import type { Fatigue } from "./fatigue.ts";
import type { ListenerState } from "./listener-state.ts";
import type { World } from "./world-file.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** Nobody skips for ever: whatever the factors, one track in twenty is heard. */
const SKIP_SHARE_MAX = 0.95;

/** What a listener does from track to track. */
export class Sessions {
  readonly #world: World;
  readonly #fatigue: Fatigue;
  readonly #genres: readonly number[];

  constructor(world: World, fatigue: Fatigue) {
    this.#world = world;
    this.#fatigue = fatigue;
    this.#genres = cumulativeShares(world.population.genres.map((each) => each.share));
  }

  /** Starts the next of the day's sessions; the first track is not played yet. */
  begin(state: ListenerState, day: number, nowMs: number): void {
    const { sessions, population } = this.#world;
    const { key } = state.appointments[state.begun]!;
    state.sessionKey = key;
    state.sessionDay = day;
    state.sessionNumber = state.begun++;
    const favourite = uniform(key, 0, PURPOSE.genreIsFavourite) < population.favouriteGenreShare;
    state.genre = favourite ? state.traits.favouriteGenre : pick(this.#genres, uniform(key, 0, PURPOSE.genre));
    const leansIn = uniform(key, 0, PURPOSE.leanIn) < sessions.leanInShare;
    state.skipFactor = (leansIn ? sessions.leanInSkipFactor : 1) * (recommenderOn(this.#world, day)?.skipFactor ?? 1);
    state.tracks = 0;
    state.skips = 0;
    state.skipped = false;
    state.musicMs = 0;
    state.adsInSession = 0;
    state.breakEndMs = nowMs;
    state.fast = 0; // sessions are hours apart, its half-life minutes
  }

  /**
   * Plays the next track.
   * @returns milliseconds of it that were heard; `state.due` says whether a slot follows or the session's end.
   */
  playTrack(state: ListenerState): number {
    const { sessions, tracks, bots } = this.#world;
    const { traits, sessionKey } = state;
    const track = ++state.tracks;
    const afterLast = state.skipped ? tracks.skipAfterSkip : tracks.skipAfterPlay;
    const worn = state.fast === 0 ? 1 : Math.exp(tracks.skipLogSlopePerFastAd * traits.sensitivity * state.fast);
    state.skipped =
      uniform(sessionKey, track, PURPOSE.skip) < Math.min(SKIP_SHARE_MAX, afterLast * state.skipFactor * worn);
    if (state.skipped) state.skips++;
    const spread = tracks.minutesSpread * (2 * uniform(sessionKey, track, PURPOSE.trackLength) - 1);
    const heard = state.skipped ? tracks.skippedShareHeard : 1;
    const heardMs = Math.round(tracks.minutesMean * (1 + spread) * heard * MINUTE_MS);
    state.musicMs += heardMs;
    state.slowHours += heardMs / HOUR_MS;
    state.fast = this.#fatigue.fastAfter(state.fast, heardMs);
    const weary = state.fast === 0 ? 1 : Math.exp(sessions.exitLogSlopePerFastAd * traits.sensitivity * state.fast);
    const exits = weary / (traits.bot ? bots.tracksMean : sessions.tracksMean);
    state.due = uniform(sessionKey, track, PURPOSE.exit) < exits ? "end" : "slot";
    return heardMs;
  }
}
