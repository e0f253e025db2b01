import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Program } from "../program.ts";
import type { Figures } from "../statistics.ts";
import type { FloorFigures } from "./scenario.ts";

/** About what an ask of W2 leaves in its commit record. */
const RECORD_BYTES = 256;

const SCRIPTS = {
  "bare-flush": new URL("../floors/bare-flush.ts", import.meta.url),
  "bare-start": new URL("../floors/bare-start.ts", import.meta.url),
  "message-port": new URL("../floors/port-echo.ts", import.meta.url),
  "raw-consume": new URL("../floors/raw-consume.ts", import.meta.url),
  "raw-store": new URL("../floors/raw-store.ts", import.meta.url),
} as const;

/** Runs one floor in a process of its own, with a folder of its own. */
export async function floorOf(
  name: keyof typeof SCRIPTS,
  question: object,
  signal: AbortSignal,
): Promise<FloorFigures> {
  const folder = await mkdtemp(join(tmpdir(), `chorus-${name}-`));
  try {
    await using program = new Program(SCRIPTS[name], signal);
    return { name, figures: await program.ask<Figures>({ folder, ...question }) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A bare `transactionSync` loop on records like those of an ask. */
export const bareFlush = (seconds: number, signal: AbortSignal): Promise<FloorFigures> =>
  floorOf("bare-flush", { recordBytes: RECORD_BYTES, seconds }, signal);
