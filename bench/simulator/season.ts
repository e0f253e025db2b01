const YEAR_DAYS = 365;

/** The year's swing on a day: 1 on the peak day, −1 half a year later. */
export function seasonAt(day: number, peakDay: number): number {
  return Math.cos((2 * Math.PI * (day - peakDay)) / YEAR_DAYS);
}
