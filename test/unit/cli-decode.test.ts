import { expect, test } from "vitest";
import { encode, encodeArrayOf } from "../../protocols/codec.ts";
import { type CommitRecord, encodeRecord } from "../../protocols/commit-record.ts";
import { encodeMail } from "../../protocols/envelope.ts";
import { asPartition } from "../../protocols/ids.ts";
import { encodeStatePart } from "../../protocols/state-part.ts";
import { runCommand } from "../../runtime/cli/program.ts";
import { capturedTerminal } from "../support/captured-terminal.ts";

async function decoded(bytes: Uint8Array): Promise<unknown> {
  const terminal = capturedTerminal({}, bytes);
  expect(await runCommand(["decode", "--json"], terminal)).toBe(0);
  return JSON.parse(terminal.printed());
}

test("mail is decoded to its runs and envelopes", async () => {
  const envelope = { kind: "budget", key: "spring", type: "Report", payload: { spent: 5, bytes: Uint8Array.of(1, 2) } };
  const runs = [{ sender: asPartition(3), receiver: asPartition(4), first: 7, envelopes: [envelope] }];
  expect(await decoded(encodeMail({ runs }))).toEqual({
    runs: [{ ...runs[0], envelopes: [{ ...envelope, payload: { spent: 5, bytes: "AQI=" } }] }],
  });
});

test("records of a log are decoded with their state, rows and topics; sealed state stays closed", async () => {
  const part = (sealed: boolean): Uint8Array =>
    encodeStatePart({ schemaVersion: 2, sealed, body: encode({ total: 9 }) });
  const record: CommitRecord = {
    partition: asPartition(1),
    epoch: 2,
    commitSeq: 3,
    position: { stream: "CHORUS_P@now", sequence: 4, index: 0 },
    received: [],
    sent: [],
    states: [
      { kind: "budget", key: "spring", part: "", bytes: part(false) },
      { kind: "listener", key: "abc", part: "core", bytes: part(true) },
      { kind: "listener", key: "def", part: "core", bytes: null },
    ],
    timers: [],
    outbox: [],
    decisions: [encode({ t: "decision" })],
    deadLetters: [encode({ code: "HANDLER_FAILED" })],
    topics: [{ topic: "catalog", version: 5, bytes: encode({ version: 5 }) }],
    snapshots: [["catalog", 4]],
    published: 2,
    nowMs: 1_000,
  };
  expect(await decoded(encode([encodeRecord(record)]))).toMatchObject([
    {
      commitSeq: 3,
      states: [
        { key: "spring", value: { total: 9 } },
        { key: "abc", value: { sealed: true, schemaVersion: 2 } },
        { key: "def", value: null },
      ],
      decisions: [{ t: "decision" }],
      deadLetters: [{ code: "HANDLER_FAILED" }],
      topics: [{ topic: "catalog", value: { version: 5 } }],
    },
  ]);
});

test("a record that fails its checksum is shown with the fault and its bytes", async () => {
  expect(await decoded(encode([Uint8Array.of(1, 2, 3, 4, 5, 6, 7)]))).toEqual([
    { fault: "RECORD_CORRUPT", message: expect.any(String), bytes: "AQIDBAUGBw==" },
  ]);
});

test("decision rows, topics and other values are decoded as they are", async () => {
  const rows = [{ t: "decision", decisionId: "a" }, { t: "event" }];
  expect(await decoded(encodeArrayOf(rows.map(encode)))).toEqual(rows);
  expect(await decoded(encode({ version: 2, changes: [] }))).toEqual({ version: 2, changes: [] });
  expect(await decoded(encode([]))).toEqual([]);
});

test("JSON passes through, and nothing is null", async () => {
  expect(await decoded(new TextEncoder().encode('{"at":"2026"}'))).toEqual({ at: "2026" });
  expect(await decoded(new TextEncoder().encode("[1]"))).toEqual([1]);
  expect(await decoded(new Uint8Array(0))).toBeNull();
});

test("what is neither msgpack nor JSON is a fault", async () => {
  const terminal = capturedTerminal({}, Uint8Array.of(0x93, 0x01));
  expect(await runCommand(["decode"], terminal)).toBe(1);
  expect(terminal.complained()).toContain("msgpack");
});

test("hostile names in a message change no prototype", async () => {
  const bytes = encode(JSON.parse('{"__proto__":{"polluted":true}}'));
  await decoded(bytes);
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});
