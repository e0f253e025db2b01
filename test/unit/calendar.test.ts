import { expect, test } from "vitest";
import { addDays, dateOfEpochDay, epochDayOf } from "../../actors/calendar/civil-date.ts";
import { dayStartMs, localDate } from "../../actors/calendar/zone.ts";

const HOUR_MS = 3_600_000;
const utc = (text: string): number => Date.parse(text);

test("a date turns into a number of days and back, through leap years and centuries", () => {
  for (const date of ["1970-01-01", "2000-02-29", "2026-11-24", "2027-12-31", "2100-03-01"]) {
    expect(epochDayOf(date) * 24 * HOUR_MS).toBe(utc(`${date}T00:00:00Z`));
    expect(dateOfEpochDay(epochDayOf(date))).toBe(date);
  }
  expect(addDays("2028-02-28", 2)).toBe("2028-03-01");
  expect(addDays("2027-01-01", -1)).toBe("2026-12-31");
});

test("T1: a day begins at midnight of its zone, whatever the zone's offset", () => {
  expect(dayStartMs("Asia/Kathmandu", "2026-11-24")).toBe(utc("2026-11-24T00:00:00+05:45"));
  expect(dayStartMs("Pacific/Apia", "2026-11-24")).toBe(utc("2026-11-24T00:00:00+13:00"));
  expect(dayStartMs("America/St_Johns", "2026-11-24")).toBe(utc("2026-11-24T00:00:00-03:30"));
  expect(dayStartMs("Etc/GMT+12", "2026-11-24")).toBe(utc("2026-11-24T00:00:00-12:00"));
});

test("T1: days of 23, 25, 23.5 and 24.5 hours are one day each", () => {
  const hours = (zone: string, date: string): number =>
    (dayStartMs(zone, addDays(date, 1)) - dayStartMs(zone, date)) / HOUR_MS;
  expect(hours("Europe/Berlin", "2026-03-29")).toBe(23);
  expect(hours("Europe/Berlin", "2026-10-25")).toBe(25);
  expect(hours("Australia/Lord_Howe", "2026-10-04")).toBe(23.5);
  expect(hours("Australia/Lord_Howe", "2026-04-05")).toBe(24.5);
});

test("T1: where the clocks skip midnight, the day begins at the instant they skip it", () => {
  const start = dayStartMs("Africa/Cairo", "2026-04-24");
  expect(start).toBe(utc("2026-04-24T01:00:00+03:00"));
  expect(localDate("Africa/Cairo", start)).toBe("2026-04-24");
  expect(localDate("Africa/Cairo", start - 1)).toBe("2026-04-23");
});

test("the date changes with the millisecond, also when zones are asked in turn", () => {
  const midnight = utc("2026-10-26T00:00:00+01:00");
  for (const [offset, date] of [
    [-1, "2026-10-25"],
    [0, "2026-10-26"],
    [-1, "2026-10-25"],
  ] as const) {
    expect(localDate("Europe/Berlin", midnight + offset)).toBe(date);
    expect(localDate("UTC", midnight + offset)).toBe("2026-10-25");
  }
  expect(() => localDate("Mars/Olympus", midnight)).toThrow(RangeError);
});
