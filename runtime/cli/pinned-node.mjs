/**
 * Owns: finding the Node 24 this repository pins and running a script under it. Plain JavaScript, because it must
 * itself run under the older Node that a machine may have (house-style section 9).
 * Does not own: anything of Chorus; `chorus.ts` is the command.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { isatty } from "node:tty";
import { fileURLToPath } from "node:url";

const NODE_MAJOR_MIN = 24;
const EXIT_FAULT = 1;
const EXIT_SIGNAL_BASE = 128; // the shell's convention: 128 + the signal's number
/** @type {readonly NodeJS.Signals[]} */
const FORWARDED = ["SIGTERM", "SIGINT", "SIGHUP"];

/** @returns {string | undefined} the pinned binary; else this process's own when it is new enough. */
function supportedNode() {
  const pinned = fileURLToPath(
    new URL(`../../node_modules/node-${process.platform}-${process.arch}/bin/node`, import.meta.url),
  );
  if (existsSync(pinned)) return pinned;
  return Number.parseInt(process.versions.node, 10) >= NODE_MAJOR_MIN ? process.execPath : undefined;
}

/** @param {string} reason one line; the process ends with exit code 1. */
function refuse(reason) {
  process.stderr.write(`chorus: ${reason}\n`);
  process.exitCode = EXIT_FAULT;
}

/**
 * Runs Node 24 with the given arguments, hands signals on to it and ends with its exit code (128 + n for signal n).
 * @param {readonly string[]} args a script and its arguments, as `node` takes them.
 */
export function runUnderPinnedNode(args) {
  const node = supportedNode();
  if (node === undefined) {
    refuse(
      `needs Node ${NODE_MAJOR_MIN} or newer, this is ${process.versions.node}: run \`npm ci\` (it brings Node ${NODE_MAJOR_MIN} on Linux) or install it`,
    );
    return;
  }
  const child = spawn(node, args, { stdio: "inherit" });
  // A terminal interrupts the whole foreground group: forwarding would make one Ctrl-C two, and cut a drain short.
  const terminal = isatty(0);
  for (const signal of FORWARDED) {
    process.on(signal, () => {
      if (signal !== "SIGINT" || !terminal) child.kill(signal);
    });
  }
  child.once("error", (error) => refuse(`cannot run ${node}: ${error.message}`));
  child.once("exit", (code, signal) => {
    process.exitCode = code ?? EXIT_SIGNAL_BASE + (signal === null ? 0 : constants.signals[signal]);
    for (const forwarded of FORWARDED) process.removeAllListeners(forwarded);
  });
}
