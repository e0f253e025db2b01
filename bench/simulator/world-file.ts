import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import {
  activitySchema,
  botsSchema,
  churnSchema,
  fatigueSchema,
  populationSchema,
  sessionsSchema,
  subscriptionSchema,
  tracksSchema,
} from "./listening-schema.ts";
import { campaignSchema, openMarketSchema, responseSchema, trackingSchema } from "./market-schema.ts";

/**
 * A world: every number the simulator uses. Nothing has a default, so a file says all of it; the units, sources and assumptions stand
 * beside each value in listening-schema.ts and market-schema.ts. The daemon never reads one.
 */
const worldSchema = z
  .strictObject({
    format: z.literal("chorus-world/1"),
    name: z.string().min(1).max(200),
    population: populationSchema,
    fatigue: fatigueSchema,
    activity: activitySchema,
    churn: churnSchema,
    subscription: subscriptionSchema,
    sessions: sessionsSchema,
    tracks: tracksSchema,
    bots: botsSchema,
    openMarket: openMarketSchema,
    campaigns: z.array(campaignSchema).max(256),
    response: responseSchema,
    tracking: trackingSchema,
  })
  .superRefine((world, context) => {
    const known = {
      platforms: new Set(world.population.platforms.map((each) => each.name)),
      genres: new Set(world.population.genres.map((each) => each.name)),
    };
    world.campaigns.forEach((campaign, index) => {
      for (const list of ["platforms", "genres"] as const)
        campaign[list].forEach((name, at) => {
          if (!known[list].has(name))
            context.addIssue({
              code: "custom",
              path: ["campaigns", index, list, at],
              message: `is one of population.${list}`,
            });
        });
      if (campaign.endDay <= campaign.startDay)
        context.addIssue({ code: "custom", path: ["campaigns", index, "endDay"], message: "is after startDay" });
    });
  });

export type World = z.infer<typeof worldSchema>;

/** One thing wrong with a world file. */
export interface WorldFinding {
  /** Where, as `response.delays.2.withinHours`. */
  readonly field: string;
  /** What stands there, as JSON; `(missing)` where nothing does. */
  readonly value: string;
  readonly rule: string;
}

/** The file is refused; `findings` has everything that is wrong with it. */
export class WorldRefused extends Error {
  readonly findings: readonly WorldFinding[];
  constructor(source: string, findings: readonly WorldFinding[]) {
    super(
      [`${source} is no world:`, ...findings.map((each) => `  ${each.field} = ${each.value}: ${each.rule}`)].join("\n"),
    );
    this.findings = findings;
  }
}

/**
 * Reads a world.
 * @param source what to call it in the message: a path or a name.
 * @throws WorldRefused with all findings at once.
 */
export function parseWorld(value: unknown, source: string): World {
  const read = worldSchema.safeParse(value);
  if (read.success) return read.data;
  throw new WorldRefused(
    source,
    read.error.issues.flatMap((issue) => findings(issue, value)),
  );
}

/**
 * Reads a world from a JSON file.
 * @throws WorldRefused, also when there is no such file or no JSON in it.
 */
export async function readWorld(path: string): Promise<World> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    const rule = error instanceof Error ? error.message : String(error);
    throw new WorldRefused(path, [{ field: "(file)", value: path, rule }]);
  }
  return parseWorld(value, path);
}

/** A world of this folder: `default`, `flat-price`, `campaigns`. */
export function bundledWorld(name: "default" | "flat-price" | "campaigns"): Promise<World> {
  return readWorld(fileURLToPath(new URL(`worlds/${name}.json`, import.meta.url)));
}

function findings(issue: z.core.$ZodIssue, root: unknown): WorldFinding[] {
  if (issue.code !== "unrecognized_keys") return [finding(issue.path, root, issue.message)];
  return issue.keys.map((key) => finding([...issue.path, key], root, "no such field"));
}

function finding(path: readonly PropertyKey[], root: unknown, rule: string): WorldFinding {
  let value = root;
  for (const key of path)
    value = typeof value === "object" && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined;
  const text = value === undefined ? "(missing)" : JSON.stringify(value);
  return { field: path.join(".") || "(file)", value: text.length > 80 ? `${text.slice(0, 77)}...` : text, rule };
}
