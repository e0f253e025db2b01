/** Who may import whom: house-style section 2. Type-only imports count: a layer is what a reader has to know. */

const PACKAGE = "^node_modules/";
const PRODUCTION = "^(actors|runtime|protocols|config)/";
const PURE_PACKAGES = "^node_modules/(zod|pure-rand)/";
/** The one file of the agents that imports special functions. */
const DISTRIBUTIONS = "^actors/learning/numerics/distributions[.]ts$";

/** A folder may import itself and what is listed; anything else of this repository is refused. */
const layer = (from, allowed) => ({
  name: `layer ${from.replaceAll("^", "").replaceAll("/$", "")}`,
  severity: "error",
  from: { path: `^${from}/` },
  to: {
    path: "^(actors|runtime|protocols|config|test|bench)/",
    pathNot: [`^${from}/`, ...allowed.map((to) => `^${to}/`)],
  },
});

/** A package has one importer: the adapter of the thing it stands for. Tests and benches may reach past it. */
const onlyIn = (packages, owners) => ({
  name: `only ${owners.replaceAll(/[$^]|\/$/g, "").replaceAll("[.]", ".")} imports ${packages.replaceAll(/[$^]|node_modules.|\/$/g, "")}`,
  severity: "error",
  from: { path: `${PRODUCTION}|^bench/simulator/`, pathNot: owners },
  to: { path: packages },
});

const adapter = (name) => layer(`runtime/${name}`, ["protocols", "runtime/actor", "runtime/core"]);

module.exports = {
  forbidden: [
    { name: "no cycles", severity: "error", from: {}, to: { circular: true } },
    { name: "resolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
    {
      name: "no barrels, no utils",
      severity: "error",
      from: {},
      to: { path: "(^|/)(index|utils?|helpers?|common|managers?)([.]m?ts$|/)", pathNot: PACKAGE },
    },
    {
      name: "production without development packages",
      severity: "error",
      from: { path: PRODUCTION },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"] },
    },

    layer("protocols", []),
    layer("config", ["protocols"]),
    layer("actors/learning", ["protocols"]),
    {
      name: "layer actors",
      severity: "error",
      from: { path: "^actors/([^/]+)" },
      to: {
        path: "^(actors|runtime|config|test|bench)/",
        pathNot: [
          "^actors/$1/",
          "^actors/learning/",
          "^runtime/actor/",
          "^actors/decision/",
          "^actors/calendar/",
          "^actors/wallet/calls[.]ts$",
        ],
      },
    },
    {
      name: "only the listener imports actors/decision",
      severity: "error",
      from: { path: "^actors/", pathNot: "^actors/(listener|decision)/" },
      to: { path: "^actors/decision/" },
    },
    layer("runtime/actor", ["protocols"]),
    layer("runtime/core", ["protocols", "runtime/actor"]),
    adapter("nats"),
    adapter("lmdb"),
    adapter("threads"),
    adapter("http"),
    layer("runtime/host", [
      "actors",
      "config",
      "protocols",
      "runtime/actor",
      "runtime/core",
      "runtime/nats",
      "runtime/lmdb",
      "runtime/threads",
      "runtime/http",
    ]),
    layer("runtime/cli", ["config", "protocols", "runtime/host"]),
    layer("bench/simulator", ["protocols"]),

    {
      name: "pure code without Node built-ins",
      severity: "error",
      from: { path: "^(actors|runtime/core|runtime/actor)/" },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "protocols: of Node only crypto and zlib",
      severity: "error",
      from: { path: "^protocols/" },
      to: { dependencyTypes: ["core"], pathNot: "^(node:)?(crypto|zlib)$" },
    },
    {
      name: "pure code without packages but zod and pure-rand",
      severity: "error",
      from: { path: "^(actors|runtime/core|runtime/actor)/", pathNot: DISTRIBUTIONS },
      to: { path: PACKAGE, pathNot: PURE_PACKAGES },
    },
    {
      name: "distributions come from cephes",
      severity: "error",
      from: { path: DISTRIBUTIONS },
      to: { path: PACKAGE, pathNot: "^node_modules/cephes/" },
    },
    {
      name: "protocols: of packages only zod and msgpackr",
      severity: "error",
      from: { path: "^protocols/" },
      to: { path: PACKAGE, pathNot: "^node_modules/(zod|msgpackr)/" },
    },
    {
      name: "a job's thread may be ended inside a transaction: no job reaches LMDB (ADR 0013)",
      severity: "error",
      from: { path: "^runtime/host/(jobs-worker|[^/]+-job)[.]ts$" },
      to: { path: "^(runtime/lmdb/|node_modules/lmdb/)", reachable: true },
    },
    onlyIn("^node_modules/msgpackr/", "^protocols/codec[.]ts$"),
    onlyIn("^node_modules/lmdb/", "^runtime/lmdb/"),
    onlyIn("^node_modules/@nats-io/", "^runtime/nats/"),
    onlyIn("^node_modules/@?fastify/", "^runtime/http/"),
    onlyIn("^node_modules/piscina/|^(node:)?worker_threads$", "^runtime/(threads|host)/"),
    onlyIn("^node_modules/cephes/", "^actors/learning/numerics/"),
    onlyIn("^node_modules/pino/", "^runtime/host/"),
    onlyIn("^node_modules/commander/", "^runtime/cli/"),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^(chorus-data|coverage|docs)/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default", "types"] },
  },
};
