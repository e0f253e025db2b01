import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { renderServerConfig, type ServerConfig } from "../../runtime/nats/server-config.ts";

const template = await readFile(new URL("../../config/nats-server.conf.template", import.meta.url), "utf8");

const CONFIG: ServerConfig = {
  serverName: "chorus",
  port: 4222,
  portsDir: "/data/endpoints",
  storeDir: "/data",
  maxFileStoreBytes: 1_000_000,
  publicKeys: { node: "UNODE", operator: "UOP", viewer: "UVIEW", agent: "UAGENT", system: "USYS" },
};

test("the template is filled in whole: sync always, loopback only, one key a role", () => {
  const rendered = renderServerConfig(template, CONFIG);
  const settings = rendered.split("\n").filter((line) => !line.trimStart().startsWith("#"));
  expect(settings.join("\n")).not.toMatch(/\{\{|\}\}/);
  expect(rendered).toMatch(/^ {2}sync_interval: always$/m);
  expect(rendered).toMatch(/^listen: "127\.0\.0\.1:4222"$/m);
  expect(rendered).toMatch(/^ {2}max_file_store: 1000000$/m);
  for (const key of Object.values(CONFIG.publicKeys)) expect(rendered.split(`nkey: "${key}"`)).toHaveLength(2);
});

test("port 0 asks the server for any free port", () => {
  expect(renderServerConfig(template, { ...CONFIG, port: 0 })).toMatch(/^listen: "127\.0\.0\.1:-1"$/m);
});

test("a path with quotes, spaces or braces stays a value", () => {
  const rendered = renderServerConfig("store_dir: {{storeDir}}", { ...CONFIG, storeDir: '/a "b" {c} $D' });
  expect(rendered).toBe('store_dir: "/a \\"b\\" {c} $D"');
});

test("a name in the template that has no value is refused", () => {
  expect(() => renderServerConfig("x: {{unheard}}", CONFIG)).toThrow(/unheard/);
});
