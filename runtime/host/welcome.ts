import { resolve } from "node:path";
import type { Settings } from "../../config/schema.ts";
import type { NodeFile } from "./node-file.ts";

/** Key of the listener in config/examples/bid-request.json is a pseudonym of this node: the CLI makes it. */
const EXAMPLE_LISTENER = "listener-0001";

/** What a person sees when the node serves: where it is, and three things to try that work when pasted. */
export function welcome(settings: Settings, node: NodeFile): string {
  const request = "config/examples/bid-request.json";
  const bid = `curl -s ${node.http}/openrtb2/2.6/bid -H 'content-type: application/json' -d @${request}`;
  const impression = `curl -si "$(${bid} | grep -o 'Impression><!\\[CDATA\\[[^]]*' | cut -d'[' -f3)"`;
  const data = resolve(settings.data) === resolve("./chorus-data") ? "" : ` --data ${node.dataDir}`;
  const key = `$(npx chorus pseudonym ${EXAMPLE_LISTENER}${data})`;
  const inspect =
    node.natsCredentials === null
      ? `npx chorus inspect actor listener "${key}"${data} --json`
      : `nats --server ${node.nats} --nkey ${node.natsCredentials.viewer} req "chorus.inspect.actor.listener.${key}" ''`;
  return [
    "",
    `  Chorus ${node.version} is serving.`,
    "",
    `    players, exchanges   ${node.http}`,
    `    operators            ${node.admin}`,
    `    NATS                 ${node.nats}`,
    `    data                 ${node.dataDir}`,
    "",
    "  Try, in another terminal, in this folder:",
    "",
    "  1. Ask for an ad: an OpenRTB bid whose `adm` is a VAST 4.2 audio ad.",
    `     ${bid}`,
    "",
    "  2. Play it: the impression URL out of the VAST, which bills it once.",
    `     ${impression}`,
    "",
    "  3. Look at the listener's actor.",
    `     ${inspect}`,
    ...(node.natsCredentials === null
      ? []
      : [
          `     Without the nats CLI (go install github.com/nats-io/natscli/nats@v0.5.1):`,
          `     npx chorus inspect actor listener "${key}"${data} --json`,
        ]),
    "",
    "  Stop with Ctrl-C.",
    "",
  ].join("\n");
}
