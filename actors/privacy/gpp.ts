import { Bits, CONSENT_CHARS_MAX } from "./bits.ts";

const HEADER_TYPE = 3;
const HEADER_VERSION = 1;
const SECTIONS_MAX = 64;

/**
 * The sections of a GPP string by id (IAB GPP "Consent String Specification": header, then a section for each id, between
 * tildes), or null when malformed. Sections themselves are not looked into.
 */
export function readGppSections(text: string): ReadonlyMap<number, string> | null {
  if (text.length > CONSENT_CHARS_MAX) return null;
  const [header = "", ...sections] = text.split("~", SECTIONS_MAX + 2);
  const ids = sectionIds(header);
  if (ids === null || ids.length !== sections.length) return null;
  return new Map(ids.map((id, index) => [id, sections[index] ?? ""]));
}

/** Type, version, then the ids as ranges of Fibonacci-coded distances. */
function sectionIds(header: string): readonly number[] | null {
  const bits = new Bits(header);
  if (bits.next(6) !== HEADER_TYPE || bits.next(6) !== HEADER_VERSION) return null;
  const count = bits.next(12);
  const ids: number[] = [];
  let last = 0;
  for (let index = 0; index < count; index += 1) {
    const isRange = bits.next(1) === 1;
    const first = last + bits.nextFibonacci();
    last = isRange ? first + bits.nextFibonacci() : first;
    if (bits.malformed || last - first + ids.length >= SECTIONS_MAX) return null;
    for (let id = first; id <= last; id += 1) ids.push(id);
  }
  return bits.malformed ? null : ids;
}
