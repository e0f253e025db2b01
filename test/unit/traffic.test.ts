import { expect, test } from "vitest";
import { ClientClasses, trafficFacts } from "../../runtime/host/traffic.ts";
import { describeFixtures } from "../support/fixtures.ts";

const classes = new ClientClasses();

test.each([
  ["Overcast/3.0 (+http://overcast.fm/; iOS podcast app)", "app"],
  ["AntennaPod/3.4.0", "app"],
  ["Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", "bot"],
  ["Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "bot"],
  ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36", "browser"],
  ["curl/8.5.0", "library"],
  ["a player nobody knows", "unknown"],
  ["", "unknown"],
] as const)("%j is of the class %s", (userAgent, client) => {
  expect(classes.of(userAgent)).toBe(client);
});

test("a user agent as long as a body costs no more than one of a line", () => {
  expect(classes.of("x".repeat(100_000))).toBe("unknown");
  expect(classes.of(`AntennaPod/3.4.0 ${"(".repeat(50_000)}`)).toBe("app");
});

test("an address of a named network is a data centre's; what is no address is none", () => {
  const facts = trafficFacts(["203.0.113.0/24", "2001:db8::/32"]);
  const of = (ip?: string, ipv6?: string): boolean => facts({ userAgent: "", ip, ipv6 }).datacenter;
  expect([of("203.0.113.9"), of(undefined, "2001:db8::1")]).toEqual([true, true]);
  expect([of("198.51.100.1"), of("nonsense"), of(), of("2001:db9::1")]).toEqual([false, false, false, false]);
  expect(() => trafficFacts(["203.0.113.0/99"])).toThrow(/quality\.datacenterNets 203\.0\.113\.0\/99/);
});

describeFixtures("user-agents", (folder) => {
  interface Labelled {
    readonly ua: string;
  }

  test("podcast apps are not bots, though lists of crawlers say so of hundreds", () => {
    const apps = folder.json("opawg-apps.examples.json") as Labelled[];
    const wrong = apps.filter(({ ua }) => classes.of(ua) === "bot");
    console.info(`${wrong.length} of ${apps.length} app examples are taken for bots`);
    expect(wrong.length / apps.length).toBeLessThan(0.01);
  });

  test("known bots are bots", () => {
    const bots = folder.json("opawg-bots.examples.json") as Labelled[];
    const crawlers = folder.json("crawler-user-agents.half.json") as { instances: string[] }[];
    const caught = bots.filter(({ ua }) => classes.of(ua) === "bot").length;
    const instances = crawlers.flatMap((crawler) => crawler.instances);
    const seen = instances.filter((ua) => ["bot", "library"].includes(classes.of(ua))).length;
    console.info(`bots caught: ${caught} of ${bots.length} by OPAWG, ${seen} of ${instances.length} crawlers`);
    expect(caught / bots.length).toBeGreaterThan(0.97);
    expect(seen / instances.length).toBeGreaterThan(0.9);
  });
});
