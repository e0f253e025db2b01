import type { Command } from "commander";
import type { CreativeTable } from "../../protocols/messages/creative-learner.ts";
import type { ActorRow, ActorView, NodeView, OwnedPartition } from "../host/inspection.ts";
import type { JobsView } from "../host/jobs-pool.ts";
import { askAndPrint, type NodeCommandOptions, withNodeOptions } from "./node-command.ts";
import { showNode, showShards } from "./status.ts";
import { showDeadLetter, showDeadLetters, showHandlers, showSupervision } from "./supervision-text.ts";
import { durationText, table } from "./table.ts";
import { addTap } from "./tap.ts";
import type { Terminal } from "./terminal.ts";

interface Subject {
  readonly name: string;
  readonly description: string;
  readonly show: (answer: unknown) => string;
}

const SUBJECTS: readonly Subject[] = [
  { name: "node", description: "the same as `chorus status`", show: showNode },
  {
    name: "shards",
    description: "shard threads, and how their agents do",
    show: (answer) => showShards((answer as { readonly shards: NodeView["shards"] }).shards),
  },
  { name: "partitions", description: "where each partition stands: owner, commits, log, mail", show: showPartitions },
  {
    name: "supervision",
    description: "who supervises whom: shards, kinds, and the actors that failed, wait or stand still",
    show: showSupervision,
  },
  { name: "handlers", description: "how long handlers take, the slowest first", show: showHandlers },
  { name: "dead-letters", description: "messages that could not be handled, with the reason", show: showDeadLetters },
  { name: "jobs", description: "heavy work beside the actors: what runs, waits and became of it", show: showJobs },
  { name: "learners", description: "what the learners know, as numbers with their intervals", show: showLearners },
  { name: "timers", description: "timers that are set, the next due first", show: showTimers },
];

export function addInspect(program: Command, terminal: Terminal): void {
  const inspect = program
    .command("inspect")
    .summary("look at the parts of a running node")
    .description("Looks at the parts of a running node; changes nothing.")
    .addHelpText(
      "after",
      "\nExamples:\n  chorus inspect actors budget\n  chorus inspect actor catalog catalog --json\n" +
        "  chorus inspect actor listener $(chorus pseudonym USER-ID)\n\n" +
        "The same over NATS: nats req chorus.inspect.actor.catalog.catalog ''",
    );
  for (const { name, description, show } of SUBJECTS) {
    withNodeOptions(inspect.command(name))
      .description(description)
      .action((options: NodeCommandOptions) =>
        askAndPrint(options, terminal, (client) => client.request(`/v1/inspect/${name}`), show),
      );
  }
  withNodeOptions(inspect.command("dead-letter <letter>"))
    .description("one dead letter whole: payload, origin, state version, stack; LETTER is its name in the list")
    .action((letter: string, options: NodeCommandOptions) => {
      const what = `the dead letter ${letter}`;
      const path = `/v1/inspect/dead-letter/${encodeURIComponent(letter)}`;
      return askAndPrint(options, terminal, (client) => client.request(path, { what }), showDeadLetter);
    });
  addTap(inspect, terminal);
  withNodeOptions(inspect.command("actors [kind]"))
    .description("actors in memory, of one kind or of all")
    .action((kind: string | undefined, options: NodeCommandOptions) => {
      const path = kind === undefined ? "/v1/inspect/actors" : `/v1/inspect/actors/${encodeURIComponent(kind)}`;
      return askAndPrint(options, terminal, (client) => client.request(path), showActors);
    });
  withNodeOptions(inspect.command("actor <kind> <key>"))
    .description("one actor and its state, in memory or not; KEY@PARTITION where the key does not say it")
    .action((kind: string, key: string, options: NodeCommandOptions) => {
      const path = `/v1/inspect/actor/${encodeURIComponent(kind)}/${encodeURIComponent(key)}`;
      const what = `the actor ${kind} ${key}`;
      return askAndPrint(options, terminal, (client) => client.request(path, { what }), showActor);
    });
}

function showActor(answer: unknown): string {
  const { state, ...actor } = answer as ActorView;
  const lines = Object.entries(actor).map(
    ([name, value]) => `${name.padEnd(10)} ${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  return [...lines, "state", JSON.stringify(state, null, 2)].join("\n");
}

function showActors(answer: unknown): string {
  const { actors, truncated } = answer as { readonly actors: readonly ActorRow[]; readonly truncated: boolean };
  const rows = actors.map((one) => [
    one.kind,
    one.key,
    one.partition,
    one.condition,
    one.version,
    one.mailbox,
    one.bytes,
    durationText(one.ageMs ?? 0),
    one.restarts,
    one.lastError,
  ]);
  const headings = [
    "KIND",
    "KEY",
    "PARTITION",
    "STATE",
    "VERSION",
    "MAILBOX",
    "BYTES",
    "AGE",
    "RESTARTS",
    "LAST ERROR",
  ];
  return withMore(table(headings, rows), truncated);
}

function showPartitions(answer: unknown): string {
  const { partitions } = answer as { readonly partitions: readonly OwnedPartition[] };
  return table(
    [
      "PARTITION",
      "OWNER",
      "SHARD",
      "STATE",
      "EPOCH",
      "COMMITS",
      "SHIPPED",
      "PUBLISHED",
      "ACTORS",
      "MAIL",
      "LETTERS",
      "GAP",
    ],
    partitions.map((one) => [
      one.partition,
      one.owner,
      one.shard,
      one.mailPaused ? "mail paused" : one.state,
      one.epoch,
      one.commitSeq,
      one.shipped,
      one.published,
      one.actors,
      one.mailMessages,
      one.deadLetters,
      one.gap,
    ]),
  );
}

function showJobs(answer: unknown): string {
  const { threads, threadsMax, running, waiting, queueMax, jobs, truncated, ended } = answer as JobsView;
  const head = `${running} running in ${threads} of ${threadsMax} threads, ${waiting} of ${queueMax} waiting`;
  const rows = jobs.map((one) => [
    one.name,
    one.owner,
    one.state,
    durationText(one.ageMs),
    durationText(one.remainingMs),
    one.progress === null ? null : `${Math.round(one.progress.share * 100)} % ${one.progress.note}`.trim(),
  ]);
  const counts = ended.map(({ name, outcome, count }) => [name, outcome, count]);
  return [
    head,
    ...(rows.length === 0
      ? []
      : [withMore(table(["JOB", "FOR", "STATE", "AGE", "TIME LEFT", "PROGRESS"], rows), truncated)]),
    ...(counts.length === 0 ? [] : [table(["JOB", "ENDED AS", "COUNT"], counts)]),
  ].join("\n\n");
}

function showLearners(answer: unknown): string {
  const { learners, truncated } = answer as {
    readonly learners: readonly (CreativeTable & { readonly learner: string; readonly version: number })[];
    readonly truncated: boolean;
  };
  if (learners.length === 0) return "nothing learnt yet";
  const rows = learners.flatMap(({ learner, state, atMs, effects }) =>
    effects.map((one) => [
      learner,
      state,
      one.creativeId,
      one.mean.toFixed(2),
      `${one.low.toFixed(2)} to ${one.high.toFixed(2)}`,
      one.shown,
      one.responses,
      new Date(atMs).toISOString(),
    ]),
  );
  const headings = ["LEARNER", "STATE", "CREATIVE", "EFFECT", "90 % INTERVAL", "HEARD", "RESPONSES", "LAST UPDATE"];
  return withMore(table(headings, rows), truncated);
}

function showTimers(answer: unknown): string {
  const { timers, truncated } = answer as {
    readonly timers: readonly { dueMs: number; kind: string; key: string; name: string; partition: number }[];
    readonly truncated: boolean;
  };
  const nowMs = Date.now();
  const rows = timers.map((one) => [durationText(one.dueMs - nowMs), one.kind, one.key, one.name, one.partition]);
  return withMore(table(["DUE IN", "KIND", "KEY", "NAME", "PARTITION"], rows), truncated);
}

function withMore(text: string, truncated: boolean): string {
  return truncated ? `${text}\nthere are more; these are the first` : text;
}
