/** The nearest value in [low, high]; not a number becomes `low`, so that no estimate can leave its bounds. */
export function clip(value: number, low: number, high: number): number {
  if (value >= high) return high;
  return value > low ? value : low;
}
