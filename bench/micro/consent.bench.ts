import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { GppModel } from "@iabgpp/cmpapi";
import { TCString } from "@iabtechlabtcf/core";
import { CONSENT_CHARS_MAX } from "../../actors/privacy/bits.ts";
import { gate, type PrivacySignals } from "../../actors/privacy/gate.ts";
import { encodeTcf, TODAY } from "../../test/support/consent-strings.ts";
import { provenance } from "../load/machine.ts";
import { median } from "../load/statistics.ts";

/*
 * What the consent gate costs beside a decode by the IAB's own libraries, in one process and in turns, so that whatever slows the machine
 * slows both: `node runtime/cli/node.mjs bench/micro/consent.bench.ts [--samples 30] [--json FILE]`.
 */

interface Case {
  readonly name: string;
  readonly strings: readonly string[];
  readonly ours: (text: string) => unknown;
  /** Undefined where the library has no bound, or nothing to do. */
  readonly official?: (text: string) => unknown;
}

interface Figures {
  readonly medianMicros: number;
  readonly leastMicros: number;
  readonly mostMicros: number;
}

interface Row {
  readonly name: string;
  readonly strings: number;
  readonly charsMedian: number;
  readonly ours: Figures;
  readonly official: Figures | null;
}

const SAMPLE_MS = 10;
const WARM_UP_MS = 250;
const POLICY = { gvlVendorId: 755, unknownCountry: "restrict" } as const;
const QUIET: PrivacySignals = {
  coppa: false,
  gdpr: undefined,
  usPrivacy: undefined,
  gpp: undefined,
  gppSections: [],
  globalPrivacyControl: false,
  consent: undefined,
  limitAdTracking: false,
  doNotTrack: false,
  country: "USA",
};

interface Vector {
  readonly kind: "tcf" | "gpp";
  readonly string: string;
  readonly ok: boolean;
  readonly sections?: Readonly<Record<string, unknown>>;
}

/** Strings seen in the wild (test/support/fixtures.ts says where); none where the fixtures are not at hand. */
function vectors(): readonly Vector[] {
  const root = process.env["CHORUS_FIXTURES"] ?? resolve(import.meta.dirname, "../../../shared/fixtures");
  const file = resolve(root, "consent-strings/consent-vectors.json");
  if (existsSync(file)) return (JSON.parse(readFileSync(file, "utf8")) as Vector[]).filter(({ ok }) => ok);
  process.stdout.write(
    `no consent strings at ${file}: only made ones are measured; CHORUS_FIXTURES names the folder\n`,
  );
  return [];
}

const gdprGate = (consent: string): unknown => gate({ ...QUIET, gdpr: 1, consent }, POLICY);
const gppGate = (gpp: string): unknown => gate({ ...QUIET, gpp }, POLICY);
const decodeTcf = (text: string): unknown => TCString.decode(text).vendorConsents.has(755);
/** The library decodes a section when a field of it is asked for. */
const decodeGpp = (text: string): unknown => {
  const model = new GppModel(text);
  return model
    .getSectionIds()
    .map((sectionId: number): unknown => model.getFieldValueBySectionId(sectionId, "SaleOptOut"));
};

function cases(): readonly Case[] {
  const real = vectors();
  const tcf = real.filter(({ kind }) => kind === "tcf").map(({ string }) => string);
  const us = real
    .filter(
      ({ kind, sections }) => kind === "gpp" && Object.keys(sections ?? {}).every((name) => /^us(?!p)/.test(name)),
    )
    .map(({ string }) => string);
  const longest = [...tcf].sort((a, b) => b.length - a.length).slice(0, 1);
  const all = Array.from({ length: 1_500 }, (_, index) => index + 1);
  const restrictions = all
    .filter((vendor) => vendor % 15 === 0)
    .map((vendor) => ({ purpose: (vendor % 9) + 2, type: 2 as const, vendors: [vendor] }));
  const made = { ...TODAY, consented: all, interested: all, disclosed: all };
  const ranges = { ...made, consented: all.filter((vendor) => vendor % 7 === 0) };
  return [
    { name: "no string, no law", strings: [""], ours: () => gate({ ...QUIET, gdpr: 0 }, POLICY) },
    { name: "TCF, the vectors in turn", strings: tcf, ours: gdprGate, official: decodeTcf },
    { name: "TCF, the longest vector", strings: longest, ours: gdprGate, official: decodeTcf },
    { name: "TCF 2.3, 1,500 vendors", strings: [encodeTcf(made)], ours: gdprGate, official: decodeTcf },
    { name: "the same, a seventh consented", strings: [encodeTcf(ranges)], ours: gdprGate, official: decodeTcf },
    {
      name: "the same, 100 restrictions",
      strings: [encodeTcf({ ...ranges, restrictions })],
      ours: gdprGate,
      official: decodeTcf,
    },
    { name: "GPP of the US, the vectors in turn", strings: us, ours: gppGate, official: decodeGpp },
    { name: "as long and dear as is read", strings: [longestRead()], ours: gdprGate, official: decodeTcf },
    { name: "a million characters: refused", strings: [encodeTcf(made).padEnd(1_000_000, "A")], ours: gdprGate },
  ].filter(({ strings }) => strings.length > 0);
}

/** As long as is read at all, and of what costs most for its length: ranges of one vendor each, in restrictions. */
function longestRead(): string {
  const odd = Array.from({ length: 149 }, (_, index) => index * 2 + 1);
  const restrictions = Array.from({ length: 19 }, (_, index) => ({
    purpose: index + 1,
    type: 0 as const,
    vendors: odd,
  }));
  const text = encodeTcf({ ...TODAY, restrictions });
  if (text.length > CONSENT_CHARS_MAX || text.length < 0.9 * CONSENT_CHARS_MAX)
    throw new Error(`${text.length} characters`);
  return text;
}

/** Micros per string, of one sample of at least SAMPLE_MS. */
function sample(subject: (text: string) => unknown, strings: readonly string[], rounds: number): number {
  let kept = 0;
  const startedMs = performance.now();
  for (let round = 0; round < rounds; round += 1) {
    for (const text of strings) if (subject(text) !== undefined) kept += 1;
  }
  const micros = (performance.now() - startedMs) * 1_000;
  if (kept !== rounds * strings.length) throw new Error("a subject answered nothing");
  return micros / kept;
}

/** Rounds that fill a sample, found while the code gets warm. */
function roundsOf(subject: (text: string) => unknown, strings: readonly string[]): number {
  const untilMs = performance.now() + WARM_UP_MS;
  let micros = 1;
  while (performance.now() < untilMs) micros = sample(subject, strings, 10) * strings.length;
  return Math.max(1, Math.ceil((SAMPLE_MS * 1_000) / micros));
}

function figures(micros: readonly number[]): Figures {
  return { medianMicros: median(micros), leastMicros: Math.min(...micros), mostMicros: Math.max(...micros) };
}

function measure({ name, strings, ours, official }: Case, samples: number): Row {
  const ourRounds = roundsOf(ours, strings);
  const officialRounds = official === undefined ? 0 : roundsOf(official, strings);
  const ourMicros: number[] = [];
  const officialMicros: number[] = [];
  for (let index = 0; index < samples; index += 1) {
    ourMicros.push(sample(ours, strings, ourRounds));
    if (official !== undefined) officialMicros.push(sample(official, strings, officialRounds));
  }
  return {
    name,
    strings: strings.length,
    charsMedian: median(strings.map(({ length }) => length)),
    ours: figures(ourMicros),
    official: official === undefined ? null : figures(officialMicros),
  };
}

function shown(one: Figures | null): string {
  if (one === null) return "—".padStart(26);
  const digits = (value: number): string => (value < 10 ? value.toFixed(2) : value.toFixed(0));
  return `${digits(one.medianMicros)} [${digits(one.leastMicros)}–${digits(one.mostMicros)}]`.padStart(26);
}

const { values } = parseArgs({ options: { samples: { type: "string", default: "30" }, json: { type: "string" } } });
const samples = Number(values.samples);
if (!Number.isInteger(samples) || samples < 1 || samples > 1_000) {
  process.stderr.write(`--samples ${values.samples}: must be a whole number from 1 to 1000\n`);
  process.exit(2);
}
process.stdout.write(
  `µs a string: median [least–most] of ${samples} samples of ${SAMPLE_MS} ms, ours and the IAB's in turns\n`,
);
process.stdout.write(
  `${"".padEnd(36)}${"characters".padStart(11)}${"gate".padStart(26)}${"official decode".padStart(26)}\n`,
);
const rows: Row[] = [];
for (const one of cases()) {
  const row = measure(one, samples);
  rows.push(row);
  const ratio = row.official === null ? "" : `  ×${(row.official.medianMicros / row.ours.medianMicros).toFixed(0)}`;
  process.stdout.write(
    `${row.name.padEnd(36)}${String(row.charsMedian).padStart(11)}${shown(row.ours)}${shown(row.official)}${ratio}\n`,
  );
}
if (values.json !== undefined) {
  await writeFile(values.json, `${JSON.stringify({ ...(await provenance()), samples, rows }, null, 2)}\n`);
}
