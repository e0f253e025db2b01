#!/usr/bin/env node
/** The `chorus` command as installed: hands over to `chorus.ts` under the pinned Node 24, whatever Node started it. */
import { fileURLToPath } from "node:url";
import { runUnderPinnedNode } from "./pinned-node.mjs";

runUnderPinnedNode([fileURLToPath(new URL("chorus.ts", import.meta.url)), ...process.argv.slice(2)]);
