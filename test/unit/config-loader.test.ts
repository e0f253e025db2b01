import { expect, test } from "vitest";
import { loadSettings } from "../../config/loader.ts";
import type { Fault } from "../../protocols/errors.ts";

const none = { environment: {}, overrides: {} };

function faultsOf(sources: Parameters<typeof loadSettings>[0]): unknown {
  try {
    loadSettings(sources);
  } catch (error) {
    return (error as Fault).details["faults"];
  }
  throw new Error("was accepted");
}

test("defaults stand without a file", () => {
  expect(loadSettings(none)).toMatchObject({
    data: "./chorus-data",
    http: "127.0.0.1:8080",
    partitions: 16,
    nats: { server: "managed" },
  });
});

test("the command line wins over the environment, and that over the file", () => {
  const fileText = JSON.stringify({ http: "127.0.0.1:1", admin: "127.0.0.1:1", node: "file" });
  const settings = loadSettings({
    fileText,
    environment: { CHORUS_ADMIN: "127.0.0.1:2", CHORUS_NODE: "environment" },
    overrides: { node: "line" },
  });
  expect(settings).toMatchObject({ http: "127.0.0.1:1", admin: "127.0.0.1:2", node: "line" });
});

test("nested settings have environment names, numbers and switches are read as such", () => {
  const settings = loadSettings({
    environment: {
      CHORUS_NATS_PORT: "4333",
      CHORUS_NATS: "nats://x:1",
      CHORUS_EXAMPLES: "false",
      CHORUS_PRIVACY_UNKNOWN_COUNTRY: "open",
      CHORUS_EVENTS_SENDERS: '{"shop":"0123456789abcdef"}',
      CHORUS_AGENTS_REWARD_VARIANTS: '[{"name":"off","share":1}]',
    },
    overrides: {},
  });
  expect(settings).toMatchObject({
    nats: { port: 4333, server: "nats://x:1" },
    examples: false,
    privacy: { unknownCountry: "open" },
    events: { senders: { shop: "0123456789abcdef" } },
    agents: { reward: { variants: [{ name: "off", share: 1 }] } },
  });
});

test("variables of others under the prefix are left alone", () => {
  expect(
    loadSettings({
      environment: { CHORUS_NATS_SERVER: "/usr/bin/nats-server", CHORUS_NATS_CLI: "/usr/bin/nats" },
      overrides: {},
    }).nats.server,
  ).toBe("managed");
});

test("all faults are told together, each with key, value and rule", () => {
  const fileText = JSON.stringify({ http: "nowhere", shards: -1, foo: 1, nats: { port: 70_000, bar: true } });
  expect(faultsOf({ ...none, fileText })).toEqual([
    { key: "http", value: "nowhere", rule: "must be HOST:PORT" },
    { key: "shards", value: -1, rule: expect.any(String) },
    { key: "nats.port", value: 70_000, rule: expect.any(String) },
    { key: "nats.bar", value: true, rule: "unknown setting" },
    { key: "foo", value: 1, rule: "unknown setting" },
  ]);
  expect(faultsOf({ environment: { CHORUS_SHARDS: "many" }, overrides: {} })).toMatchObject([{ key: "shards" }]);
  expect(faultsOf({ ...none, fileText: "{" })).toMatchObject([{ key: "(file)" }]);
  expect(faultsOf({ ...none, fileText: "[]" })).toMatchObject([{ key: "(file)", rule: "must be a JSON object" }]);
});

test("settings cannot be changed after loading", () => {
  const settings = loadSettings(none);
  expect(() => Object.assign(settings.nats, { port: 1 })).toThrow(TypeError);
});
