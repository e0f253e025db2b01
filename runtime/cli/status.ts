import type { Command } from "commander";
import type { NodeView } from "../host/inspection.ts";
import { askAndPrint, type NodeCommandOptions, withNodeOptions } from "./node-command.ts";
import { durationText, table } from "./table.ts";
import type { Terminal } from "./terminal.ts";

export function addStatus(program: Command, terminal: Terminal): void {
  withNodeOptions(program.command("status"))
    .description("How the node is: state, shards, store, NATS")
    .action((options: NodeCommandOptions) =>
      askAndPrint(options, terminal, (client) => client.request("/v1/inspect/node"), showNode),
    );
}

/** A node for people. */
export function showNode(answer: unknown): string {
  const node = answer as NodeView;
  const { store, nats } = node;
  const sync = nats.syncAlways === null ? "of others" : nats.syncAlways ? "syncs every write" : "DOES NOT SYNC";
  return [
    `${node.node} is ${node.state}${node.reason === null ? "" : `: ${node.reason}`}`,
    `version ${node.version}, up ${durationText(node.uptimeMs)}, pressure ${node.pressure}`,
    store === null
      ? "store does not answer"
      : `store ${Math.round(store.unfoldedBytes / 1_024)} KiB unfolded, flush p99 ${store.flushMsP99.toFixed(1)} ms`,
    `NATS ${nats.connected ? "connected" : "NOT CONNECTED"}, server ${nats.serverVersion} ${sync}`,
    "",
    showShards(node.shards),
  ].join("\n");
}

export function showShards(shards: NodeView["shards"]): string {
  return table(
    ["SHARD", "PARTITIONS", "ACTORS", "MAIL WAITING", "RESTARTS"],
    shards.map(({ id, partitions, actors, lagEnvelopes, restarts }) => [
      id,
      partitions.join(","),
      actors,
      lagEnvelopes,
      restarts,
    ]),
  );
}
