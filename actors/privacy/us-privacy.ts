import { Bits } from "./bits.ts";

/** What a signal of a state of the US says about us. */
export interface UsChoice {
  /** Opted out of sale, sharing or targeted advertising. */
  readonly optedOut: boolean;
  readonly knownChild: boolean;
}

/** Where the fields of a GPP section's core stand, in bits; all fields have two (IAB GPP "Sections/US-*"). */
interface UsLayout {
  readonly optOuts: readonly number[];
  readonly childAt: number;
  readonly childFields: number;
}

const SALE_AND_TARGETED = [12, 14];
/** After three leading MSPA fields, as the sections of 2026 begin. */
const SALE_AND_TARGETED_LATE = [16, 18];

const LAYOUTS: Readonly<Record<number, UsLayout>> = {
  8: { optOuts: SALE_AND_TARGETED, childAt: 34, childFields: 2 }, // California: sale and sharing
  9: { optOuts: SALE_AND_TARGETED, childAt: 32, childFields: 1 }, // Virginia
  10: { optOuts: SALE_AND_TARGETED, childAt: 30, childFields: 1 }, // Colorado
  11: { optOuts: [14, 16], childAt: 34, childFields: 1 }, // Utah
  12: { optOuts: SALE_AND_TARGETED, childAt: 32, childFields: 3 }, // Connecticut
  13: { optOuts: SALE_AND_TARGETED, childAt: 32, childFields: 3 }, // Florida
  14: { optOuts: SALE_AND_TARGETED, childAt: 32, childFields: 3 }, // Montana
  15: { optOuts: SALE_AND_TARGETED, childAt: 38, childFields: 3 }, // Oregon
  16: { optOuts: SALE_AND_TARGETED, childAt: 32, childFields: 1 }, // Texas
  17: { optOuts: SALE_AND_TARGETED, childAt: 34, childFields: 5 }, // Delaware
  18: { optOuts: [14, 16], childAt: 34, childFields: 1 }, // Iowa
  19: { optOuts: SALE_AND_TARGETED, childAt: 32, childFields: 1 }, // Nebraska
  20: { optOuts: SALE_AND_TARGETED, childAt: 32, childFields: 3 }, // New Hampshire
  21: { optOuts: SALE_AND_TARGETED, childAt: 36, childFields: 5 }, // New Jersey
  22: { optOuts: SALE_AND_TARGETED, childAt: 32, childFields: 1 }, // Tennessee
  23: { optOuts: SALE_AND_TARGETED, childAt: 32, childFields: 1 }, // Minnesota
  24: { optOuts: SALE_AND_TARGETED_LATE, childAt: 20, childFields: 0 }, // Maryland
  25: { optOuts: SALE_AND_TARGETED_LATE, childAt: 20, childFields: 1 }, // Indiana
  26: { optOuts: SALE_AND_TARGETED_LATE, childAt: 20, childFields: 1 }, // Kentucky
  27: { optOuts: SALE_AND_TARGETED_LATE, childAt: 20, childFields: 1 }, // Rhode Island
};
/** The national section: sale, sharing, targeted advertising. */
const NATIONAL = 7;
const NATIONAL_V1: UsLayout = { optOuts: [18, 20, 22], childAt: 48, childFields: 2 };
const NATIONAL_V2: UsLayout = { optOuts: [18, 20, 22], childAt: 56, childFields: 3 };
/** 70 bits, in characters of six. */
const NATIONAL_V2_CHARS = 12;

const OPTED_OUT = 1;
/** Not a value of any two-bit field. */
const INVALID = 3;
const SEGMENT_GPC = 1;
/** Indiana, Kentucky, Rhode Island: what follows their core is about sensitive data, and may begin like the segment of GPC. */
const WITHOUT_GPC: ReadonlySet<number> = new Set([25, 26, 27]);
/** The core and what follows it. */
const SEGMENTS_MAX = 2;

/** Reads the four characters of `us_privacy`, as in `1YNN`; null when malformed. A dash means that the law does not apply. */
export function readUspString(text: string): UsChoice | null {
  if (!/^1[YN-]{3}$/i.test(text)) return null;
  return { optedOut: text.charAt(2).toUpperCase() === "Y", knownChild: false };
}

/** Reads a GPP section of the US; null when it is cut short, or holds what no version of it known here may. */
export function readUsSection(sectionId: number, text: string): UsChoice | null {
  const [core = "", segment, ...more] = text.split(".", SEGMENTS_MAX + 1);
  if (more.length > 0) return null;
  const bits = new Bits(core);
  const layout = layoutOf(sectionId, bits.at(0, 6), core.length);
  if (layout === undefined) return null;
  const optedOut = layout.optOuts.some((offset) => field(bits, offset) === OPTED_OUT);
  let knownChild = false;
  for (let index = 0; index < layout.childFields; index += 1) {
    // 0 says that no data of a known child is processed; both others, that the listener is one.
    if (field(bits, layout.childAt + index * 2) !== 0) knownChild = true;
  }
  const gpc = segment === undefined ? false : saysGpc(segment, !WITHOUT_GPC.has(sectionId));
  if (bits.malformed || gpc === null) return null;
  return { optedOut: optedOut || gpc, knownChild };
}

/**
 * Strings of the national section exist that say version 2 and are laid out as version 1; as the official library does, we go
 * by their length, which differs.
 */
function layoutOf(sectionId: number, version: number, chars: number): UsLayout | undefined {
  if (sectionId !== NATIONAL) return version === 1 ? LAYOUTS[sectionId] : undefined;
  if (version !== 1 && version !== 2) return undefined;
  return chars < NATIONAL_V2_CHARS ? NATIONAL_V1 : NATIONAL_V2;
}

function field(bits: Bits, offset: number): number {
  const value = bits.at(offset, 2);
  if (value === INVALID) bits.reject();
  return value;
}

/** The optional segment of Global Privacy Control: type 1, then the signal. Null when malformed, or of another type. */
function saysGpc(segment: string, isGpcSegment: boolean): boolean | null {
  const bits = new Bits(segment);
  if (isGpcSegment && bits.next(2) !== SEGMENT_GPC) bits.reject();
  const says = isGpcSegment && bits.next(1) === 1;
  return bits.malformed ? null : says;
}
