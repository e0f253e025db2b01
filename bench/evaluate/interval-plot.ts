import type { Check } from "./bar.ts";
import { figure } from "./result-table.ts";

/*
 * A static picture of a bar's checks: a row each, on a scale of its own, because a false alarm of 0.001 and a coverage of 0.95 share none. Drawn
 * by hand: it is lines and circles, and needs no browser.
 */

const ROW_PX = 34;
const LABEL_PX = 380;
const SCALE_PX = 340;
const NUMBERS_PX = 290;
const TOP_PX = 46;
const COLOUR = { met: "#1b7f4d", missed: "#c0392b", asked: "#222222", other: "#777777", band: "#f3f3f3" };

/** @returns an SVG document, or null when no check has an interval to show. */
export function intervalPlot(title: string, checks: readonly Check[]): string | null {
  const shown = checks.filter(({ interval }) => interval !== null);
  if (shown.length === 0) return null;
  const width = LABEL_PX + SCALE_PX + NUMBERS_PX;
  const height = TOP_PX + shown.length * ROW_PX + 10;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    text(8, 18, title, "start", "bold"),
    text(
      8,
      36,
      "dot and line: figure and 95 % interval · | asked · ○ baseline · ◇ oracle; each row has its own scale",
      "start",
    ),
    ...shown.flatMap((check, row) => rowOf(check, TOP_PX + row * ROW_PX, row)),
    "</svg>",
    "",
  ].join("\n");
}

function rowOf(check: Check, top: number, row: number): string[] {
  const { name, interval, bar, better, baseline, oracle } = check;
  const [lower, upper] = interval ?? [check.figure, check.figure];
  const marks = [check.figure, lower, upper, bar, baseline, oracle].filter((mark): mark is number => mark !== null);
  const [least, most] = [Math.min(...marks), Math.max(...marks)];
  const span = most - least || Math.abs(most) || 1;
  const at = (value: number): number => LABEL_PX + 12 + ((value - least) / span) * (SCALE_PX - 24);
  const middle = top + ROW_PX / 2;
  const colour = (better === "below" ? check.figure <= bar : check.figure >= bar) ? COLOUR.met : COLOUR.missed;
  const numbers = `${figure(check.figure)} (${figure(lower)} to ${figure(upper)})`;
  return [
    row % 2 === 0
      ? `<rect x="0" y="${top}" width="${LABEL_PX + SCALE_PX + NUMBERS_PX}" height="${ROW_PX}" fill="${COLOUR.band}"/>`
      : "",
    text(8, middle + 4, name, "start"),
    line(at(lower), middle, at(upper), middle, colour),
    line(at(bar), top + 5, at(bar), top + ROW_PX - 5, COLOUR.asked),
    baseline === null
      ? ""
      : `<circle cx="${px(at(baseline))}" cy="${middle}" r="4.5" fill="none" stroke="${COLOUR.other}"/>`,
    oracle === null ? "" : diamond(at(oracle), middle),
    `<circle cx="${px(at(check.figure))}" cy="${middle}" r="4" fill="${colour}"/>`,
    text(LABEL_PX + SCALE_PX + 8, middle + 4, `${numbers} ${better === "below" ? "≤" : "≥"} ${figure(bar)}`, "start"),
  ].filter((part) => part !== "");
}

function diamond(x: number, y: number): string {
  const corners = [
    [x, y - 5],
    [x + 5, y],
    [x, y + 5],
    [x - 5, y],
  ];
  const points = corners.map(([a = 0, b = 0]) => `${px(a)},${px(b)}`).join(" ");
  return `<polygon points="${points}" fill="none" stroke="${COLOUR.other}"/>`;
}

function line(x1: number, y1: number, x2: number, y2: number, colour: string): string {
  return `<line x1="${px(x1)}" y1="${px(y1)}" x2="${px(x2)}" y2="${px(y2)}" stroke="${colour}" stroke-width="2"/>`;
}

function text(x: number, y: number, words: string, anchor: string, weight = "normal"): string {
  const safe = words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${px(x)}" y="${px(y)}" text-anchor="${anchor}" font-weight="${weight}">${safe}</text>`;
}

const px = (value: number): string => String(Math.round(value * 10) / 10);
