import crawlers from "crawler-user-agents";
import { isbot } from "isbot";
import { readFileSync } from "node:fs";
import { BlockList, isIP } from "node:net";
import { z } from "zod";
import { Fault } from "../../protocols/errors.ts";
import type { TrafficFacts } from "../../protocols/messages/listener.ts";

type Client = TrafficFacts["client"];

/** A longer user agent is read up to here, so that no pattern has much to look at. */
const USER_AGENT_CHARS = 512;
const REMEMBERED_MAX = 4_096;

const Patterns = z.object({ patterns: z.array(z.object({ pattern: z.string() })) });

/** Tools of those who try an ad server out: OPAWG counts them among the bots, since they download no episode to be heard. */
const TOOLS = /^(?:curl|Wget|python-requests|HTTPie)\//;

/**
 * What a user agent stands for. In this order (decisioning.md 1): OPAWG's lists of podcast bots, apps and libraries, because lists of
 * crawlers take podcast apps for bots; then those lists, which name none of OPAWG's 19 browsers and 52 devices (measured); then OPAWG's
 * browsers. Only what nobody knows is left to isbot.
 */
export class ClientClasses {
  readonly #lists: readonly { readonly client: Client; readonly pattern: RegExp }[];
  readonly #known = new Map<string, Client>();

  constructor() {
    this.#lists = [
      { client: "library", pattern: TOOLS },
      ...listed("bots", "bot"),
      ...listed("apps", "app"),
      ...listed("libraries", "library"),
      { client: "bot", pattern: new RegExp(crawlers.map(({ pattern }) => pattern).join("|")) },
      ...listed("browsers", "browser"),
    ];
  }

  of(userAgent: string | undefined): Client {
    if (userAgent === undefined || userAgent === "") return "unknown";
    const text = userAgent.slice(0, USER_AGENT_CHARS);
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const client = this.#find(text);
    if (this.#known.size >= REMEMBERED_MAX) this.#known.clear();
    this.#known.set(text, client);
    return client;
  }

  #find(text: string): Client {
    const found = this.#lists.find(({ pattern }) => pattern.test(text));
    if (found !== undefined) return found.client;
    if (!text.startsWith("Mozilla/")) return "unknown"; // of what is no browser isbot takes nearly all for bots
    return isbot(text) ? "bot" : "browser";
  }
}

function listed(list: string, client: Client) {
  const file = new URL(`../../config/traffic/opawg-${list}.json`, import.meta.url);
  const { patterns } = Patterns.parse(JSON.parse(readFileSync(file, "utf8")));
  return patterns.map(({ pattern }) => ({ client, pattern: new RegExp(pattern) }));
}

/** Who calls, from user agent and address. @throws Fault CONFIG_INVALID. */
export function trafficFacts(
  nets: readonly string[],
  classes = new ClientClasses(),
): (device: { userAgent: string | undefined; ip: string | undefined; ipv6: string | undefined }) => TrafficFacts {
  const isDatacenter = datacenterNets(nets);
  return ({ userAgent, ip, ipv6 }) => ({
    client: classes.of(userAgent),
    datacenter: isDatacenter(ip) || isDatacenter(ipv6),
  });
}

/** Networks of the setting `quality.datacenterNets`. @throws Fault CONFIG_INVALID naming the one that is none. */
function datacenterNets(nets: readonly string[]): (ip: string | undefined) => boolean {
  const list = new BlockList();
  for (const net of nets) {
    const [address = "", prefix = ""] = net.split("/");
    try {
      list.addSubnet(address, Number(prefix), isIP(address) === 6 ? "ipv6" : "ipv4");
    } catch (cause) {
      throw new Fault("CONFIG_INVALID", `quality.datacenterNets ${net}: must be a network as CIDR`, {
        details: { key: "quality.datacenterNets", value: net },
        cause,
      });
    }
  }
  return (ip) => {
    const family = isIP(ip ?? "");
    return nets.length > 0 && ip !== undefined && family !== 0 && list.check(ip, family === 6 ? "ipv6" : "ipv4");
  };
}
