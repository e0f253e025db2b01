/** Columns for people: as wide as their widest cell, numbers to the right. */
export function table(headings: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const cells = [headings, ...rows].map((row) => row.map(cellText));
  const widths = headings.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const toTheRight = headings.map((_, column) => rows.every((row) => typeof row[column] === "number"));
  return cells
    .map((row) =>
      row
        .map((cell, column) => {
          const width = widths[column] ?? 0;
          return toTheRight[column] === true ? cell.padStart(width) : cell.padEnd(width);
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function cellText(value: unknown): string {
  if (value === null || value === undefined) return "-";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Micros of a currency as an amount: 5_000_000 is `5.00`, 18_000 is `0.018`: two decimals, and more where they say something. */
export function amountText(micros: number): string {
  return (micros / 1_000_000).toFixed(6).replace(/0{1,4}$/, "");
}

/** A duration for people: `850 ms`, `12 s`, `3 min`, `5 h`, `2 d`. */
export function durationText(ms: number): string {
  const units = [
    { unit: "d", ms: 86_400_000 },
    { unit: "h", ms: 3_600_000 },
    { unit: "min", ms: 60_000 },
    { unit: "s", ms: 1_000 },
  ];
  const found = units.find((one) => Math.abs(ms) >= one.ms);
  return found === undefined ? `${Math.round(ms)} ms` : `${Math.floor(ms / found.ms)} ${found.unit}`;
}
