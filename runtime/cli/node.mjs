/** `node runtime/cli/node.mjs SCRIPT ARGS…`: runs any script under the pinned Node 24; every npm script goes through it. */
import { runUnderPinnedNode } from "./pinned-node.mjs";

runUnderPinnedNode(process.argv.slice(2));
