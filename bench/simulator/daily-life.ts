import { childKey, cumulativeShares, type DrawKey, pick, PURPOSE, uniform } from "./counter-draws.ts";
import type { Fatigue } from "./fatigue.ts";
import type { Listener } from "./listener.ts";
import { type Appointment, ListenerState } from "./listener-state.ts";
import type { Outcomes, Survival } from "./outcomes.ts";
import { seasonAt } from "./season.ts";
import { DAY_MS } from "./tracking.ts";
import type { World } from "./world-file.ts";

const HOUR_MS = 3_600_000;
const HOURS = 24;

/** What a listener decides once a day: to leave, to pay, to listen, and when. */
export class DailyLife {
  readonly #world: World;
  readonly #fatigue: Fatigue;
  readonly #survival: Survival;
  readonly #dayparts: readonly number[];
  readonly #hoursAnActiveDay: number;

  constructor(world: World, fatigue: Fatigue, survival: Survival) {
    this.#world = world;
    this.#fatigue = fatigue;
    this.#survival = survival;
    this.#dayparts = cumulativeShares(world.sessions.dayparts.map((each) => each.share));
    this.#hoursAnActiveDay = usualHoursAnActiveDay(world);
  }

  /** A listener whose past, as long as the memory of F, was spent at the reference load. */
  born(number: number, traits: Listener): ListenerState {
    const daysRemembered = 1 / (1 - this.#fatigue.slowDecayPerDay);
    const pastHours = logistic(traits.activityLogit) * this.#hoursAnActiveDay * daysRemembered;
    return new ListenerState(number, traits, pastHours, this.#world.fatigue.referenceAdsPerHour);
  }

  /** Midnight. Leaves the day's sessions in the state: none when the listener does not come. */
  begin(state: ListenerState, day: number, outcomes: Outcomes): void {
    state.adsToday = 0;
    state.begun = 0;
    state.appointments = [];
    const { traits } = state;
    if (state.gone || day < this.#world.population.platforms[traits.platform]!.launchDay) return;
    const key = childKey(traits.key, day);
    state.slowAds *= this.#fatigue.slowDecayPerDay;
    state.slowHours *= this.#fatigue.slowDecayPerDay;
    const strain = traits.sensitivity * this.#fatigue.excess(state.slowAds / state.slowHours);
    if (!traits.bot) this.#stayOrLeave(state, key, strain, outcomes);
    if (state.gone) return;
    if (!traits.bot && uniform(key, 0, PURPOSE.active) >= this.#activeShare(traits, strain, day)) return;
    if (!traits.bot) outcomes.activeDay(state.number, day, state.weight);
    state.appointments = this.#appointments(key, day);
  }

  #activeShare(traits: Listener, strain: number, day: number): number {
    const { logitSlopePerAdPerHour, seasonLogitAmplitude, seasonPeakDay } = this.#world.activity;
    const season = seasonLogitAmplitude === 0 ? 0 : seasonLogitAmplitude * seasonAt(day, seasonPeakDay);
    const recommender = recommenderOn(this.#world, day)?.activityLogitShift ?? 0;
    return logistic(traits.activityLogit + season + recommender - logitSlopePerAdPerHour * strain);
  }

  #stayOrLeave(state: ListenerState, key: DrawKey, strain: number, outcomes: Outcomes): void {
    const { churn, subscription } = this.#world;
    const leaves = Math.min(
      1,
      churn.hazardPerDay * state.traits.churnFrailty * Math.exp(churn.logSlopePerAdPerHour * strain),
    );
    const subscribes = Math.min(1, subscription.hazardPerDay * Math.exp(subscription.logSlopePerAdPerHour * strain));
    const { number } = state;
    if (this.#survival === "weighted") {
      outcomes.left[number]! += state.weight * leaves;
      outcomes.subscribed[number]! += state.weight * (1 - leaves) * subscribes;
      state.weight *= (1 - leaves) * (1 - subscribes);
    } else if (uniform(key, 0, PURPOSE.leaves) < leaves) {
      outcomes.left[number] = 1;
      state.gone = true;
    } else if (uniform(key, 0, PURPOSE.subscribes) < subscribes) {
      outcomes.subscribed[number] = 1;
      state.gone = true;
    }
  }

  #appointments(dayKey: DrawKey, day: number): readonly Appointment[] {
    const { secondShare, thirdShare } = this.#world.sessions;
    const appointments = [this.#appointment(dayKey, day, 0)];
    if (uniform(dayKey, 0, PURPOSE.secondSession) < secondShare) appointments.push(this.#appointment(dayKey, day, 1));
    if (uniform(dayKey, 0, PURPOSE.thirdSession) < thirdShare) appointments.push(this.#appointment(dayKey, day, 2));
    return appointments.length === 1 ? appointments : appointments.sort((a, b) => a.startMs - b.startMs);
  }

  #appointment(dayKey: DrawKey, day: number, number: number): Appointment {
    const key = childKey(dayKey, number);
    const parts = this.#world.sessions.dayparts;
    const part = pick(this.#dayparts, uniform(key, 0, PURPOSE.startDaypart));
    const fromHour = parts[part]!.fromHour;
    const hours = (parts[part + 1]?.fromHour ?? HOURS) - fromHour;
    const startMs = day * DAY_MS + Math.floor((fromHour + hours * uniform(key, 0, PURPOSE.startWithin)) * HOUR_MS);
    return { key, startMs };
  }
}

/** The latest change of the recommender by a day, if any. */
export function recommenderOn(world: World, day: number): World["tracks"]["recommenderChanges"][number] | undefined {
  let latest: World["tracks"]["recommenderChanges"][number] | undefined;
  for (const change of world.tracks.recommenderChanges)
    if (change.day <= day && change.day >= (latest?.day ?? 0)) latest = change;
  return latest;
}

/** Hours of music on an active day without ads: the stationary share of skips, averaged over the two kinds of attention. */
function usualHoursAnActiveDay({ sessions, tracks }: World): number {
  const skips = (factor: number): number => {
    const afterPlay = Math.min(1, tracks.skipAfterPlay * factor);
    const afterSkip = Math.min(1, tracks.skipAfterSkip * factor);
    return afterPlay === 0 ? 0 : afterPlay / (1 + afterPlay - afterSkip);
  };
  const skipShare = sessions.leanInShare * skips(sessions.leanInSkipFactor) + (1 - sessions.leanInShare) * skips(1);
  const minutesATrack = tracks.minutesMean * (1 - skipShare * (1 - tracks.skippedShareHeard));
  return ((1 + sessions.secondShare + sessions.thirdShare) * sessions.tracksMean * minutesATrack) / 60;
}

function logistic(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}
