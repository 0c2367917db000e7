// The arrows of the house: who may import whom. `tests/architecture/arrows.test.ts` plants a violation of each rule and
// proves that it is found, so a rule that stops biting is seen.
import { readdirSync, readFileSync } from "node:fs";

const escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** The files that packages offer to others: what their `exports` name, so that there is one list and not two. */
function publicEntries() {
  return readdirSync("packages").flatMap((name) => {
    const { exports } = JSON.parse(readFileSync(`packages/${name}/package.json`, "utf8"));
    return Object.values(exports).map((path) => `^packages/${name}/${escape(path.slice(2))}$`);
  });
}

const TEST = "\\.test\\.ts$|/testing/";
const RUNTIME = "^packages/runtime/src";
const SRC = "^packages/[^/]+/(src|dist)/";
/**
 * A folder inside a part that has a port is an adapter; the files beside the port belong to the part, and so does what
 * providers of this host share of environments.
 */
const ADAPTER = `${RUNTIME}/(persistence|sandbox|bus)/(?!environments/)[^/]+/`;
/** For every part: what the runtime logs with, and the points at which tests kill it. */
const LOGGER = `${RUNTIME}/(logger|failpoint)\\.ts$`;
const PORTS = `${RUNTIME}/[^/]+/port\\.ts$`;
const BUILTIN = { dependencyTypes: ["core"] };

// oxlint-disable-next-line eslint/max-params -- a table row reads better flat
const forbid = (name, comment, from, to) => ({ name, comment, severity: "error", from, to });

/** A runtime part imports ports, protocol and, besides those, only the parts named here. */
const part = (name, may) =>
  forbid(
    `runtime-${name}-arrows`,
    `${name}/ imports ports, protocol${may.map((other) => `, ${other}/`).join("")} and nothing else of the runtime`,
    { path: `${RUNTIME}/${name}/`, pathNot: TEST },
    {
      path: `${RUNTIME}/`,
      pathNot: [
        `${RUNTIME}/(${[name, ...may].join("|")})/`,
        `${RUNTIME}/(persistence|sandbox)/[^/]+\\.ts$`,
        PORTS,
        LOGGER,
      ],
    },
  );

export default {
  forbidden: [
    forbid(
      "no-circular",
      "a cycle has no lower part that could be understood first; types alone may point both ways",
      {},
      {
        circular: true,
        viaOnly: { dependencyTypesNot: ["type-only"] },
      },
    ),
    forbid(
      "resolvable",
      "an import must lead somewhere; a deep path into another package leads nowhere",
      // What a profile brings along finds its packages in the sandbox.
      { pathNot: "^examples/[^/]+/profiles/" },
      { couldNotResolve: true },
    ),
    forbid(
      "declared",
      "what is imported stands in the package's own package.json",
      {},
      {
        dependencyTypes: ["npm-no-pkg", "npm-unknown"],
      },
    ),
    forbid(
      "no-dev-dependencies",
      "published code must not need what only development installs",
      { path: "^(packages|apps)/[^/]+/src/", pathNot: TEST },
      { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["npm-peer", "type-only"] },
    ),
    forbid(
      "public-entries",
      "other packages, apps, tests and examples use public entries alone",
      { path: "^(apps|tests|bench|examples)/" },
      {
        path: SRC,
        pathNot: publicEntries(),
      },
    ),
    forbid(
      "public-entries-between-packages",
      "a package uses the public entries of another",
      { path: "^packages/([^/]+)/" },
      {
        path: SRC,
        pathNot: ["^packages/$1/", ...publicEntries()],
      },
    ),
    forbid(
      "packages-stand-below",
      "packages know nothing of apps, tests, benchmarks and examples",
      { path: "^packages/" },
      {
        path: "^(apps|tests|bench|examples)/",
      },
    ),
    forbid(
      "apps-know-no-tests",
      "apps know nothing of tests, benchmarks and examples",
      { path: "^apps/" },
      { path: "^(tests|bench|examples)/" },
    ),
    forbid(
      "examples-stand-alone",
      "an example shows what a user would write",
      { path: "^examples/" },
      { path: "^(apps|tests|bench)/" },
    ),

    forbid(
      "protocol-imports-nobody",
      "everything stands on protocol; it stands on zod",
      { path: "^packages/protocol/" },
      {
        path: "^(packages|apps)/",
        pathNot: "^packages/protocol/",
      },
    ),
    forbid(
      "protocol-only-zod",
      "protocol runs anywhere: zod and nothing else",
      { path: "^packages/protocol/src/", pathNot: TEST },
      {
        path: "node_modules/",
        pathNot: "node_modules/zod/",
      },
    ),
    forbid(
      "protocol-no-node",
      "protocol runs anywhere, so it uses nothing of Node",
      { path: "^packages/protocol/src/", pathNot: TEST },
      BUILTIN,
    ),
    forbid(
      "runner-arrows",
      "runner → protocol",
      { path: "^packages/runner/src/", pathNot: TEST },
      {
        path: "^packages/",
        pathNot: "^packages/(runner|protocol)/",
      },
    ),
    forbid(
      "testkit-arrows",
      "testkit → protocol",
      { path: "^packages/testkit/src/", pathNot: TEST },
      {
        path: "^packages/",
        pathNot: "^packages/(testkit|protocol)/",
      },
    ),
    forbid(
      "client-arrows",
      "client → protocol",
      { path: "^packages/client/src/", pathNot: TEST },
      {
        path: "^packages/",
        pathNot: "^packages/(client|protocol)/",
      },
    ),
    forbid("client-no-node", "the client runs in browsers", { path: "^packages/client/src/", pathNot: TEST }, BUILTIN),
    forbid(
      "client-no-foreign",
      "the client has no React and no other dependency",
      { path: "^packages/client/src/", pathNot: TEST },
      {
        path: "node_modules/",
      },
    ),
    forbid(
      "react-arrows",
      "react → client → protocol",
      { path: "^packages/react/src/", pathNot: TEST },
      {
        path: "^packages/",
        pathNot: "^packages/(react|client|protocol)/",
      },
    ),
    forbid("react-no-node", "hooks run in browsers", { path: "^packages/react/src/", pathNot: TEST }, BUILTIN),
    forbid(
      "react-only-react",
      "the hooks stand on React and have no other dependency",
      { path: "^packages/react/src/", pathNot: TEST },
      {
        path: "node_modules/",
        pathNot: "node_modules/(@types/)?react/",
      },
    ),
    forbid(
      "runtime-arrows",
      "runtime → protocol, and of the runner its public entries",
      { path: `${RUNTIME}/`, pathNot: TEST },
      {
        path: "^packages/",
        pathNot: "^packages/(runtime|runner|protocol)/",
      },
    ),
    forbid(
      "console-arrows",
      "console → react → client → protocol",
      { path: "^apps/console/src/", pathNot: TEST },
      {
        path: "^(packages|apps)/",
        pathNot: "^packages/(react|client|protocol)/|^apps/console/src/",
      },
    ),
    forbid("console-no-node", "the console runs in browsers", { path: "^apps/console/src/", pathNot: TEST }, BUILTIN),

    forbid(
      "runtime-ts-only-from-entry",
      "runtime.ts sees every part, so only the entry point may import it",
      { pathNot: [`${RUNTIME}/index\\.ts$`, `${RUNTIME}/[^/]+\\.test\\.ts$`] },
      {
        path: `${RUNTIME}/runtime\\.ts$`,
      },
    ),
    forbid(
      "adapters-only-from-runtime-ts",
      "parts work with ports; only runtime.ts chooses adapters",
      { path: `${RUNTIME}/`, pathNot: [ADAPTER, TEST, `${RUNTIME}/(runtime|index)\\.ts$`] },
      {
        path: ADAPTER,
      },
    ),
    forbid(
      "adapter-arrows",
      "an adapter imports what lies beside its own port, protocol and its own SDK",
      { path: `${RUNTIME}/(persistence|sandbox|bus)/([^/]+)/`, pathNot: TEST },
      {
        path: `${RUNTIME}/`,
        // `sql/` is no adapter: it is what the SQL family shares; `environments/` is what the host's providers share.
        pathNot: [
          `${RUNTIME}/$1/$2/`,
          `${RUNTIME}/$1/[^/]+\\.ts$`,
          `${RUNTIME}/persistence/sql/`,
          `${RUNTIME}/sandbox/environments/`,
        ],
      },
    ),
    part("log", []),
    part("auth", []),
    part("gateway", []),
    part("cluster", ["log"]),
    part("host-tools", []),
    part("results", []),
    part("profiles", ["gateway", "auth"]),
    part("session", ["log", "auth", "cluster", "host-tools", "profiles", "results"]),
    part("archive", ["log", "session", "auth", "cluster", "profiles"]),
    part("rights", ["session", "auth", "archive", "profiles"]),
    part("transport", ["log", "session", "auth", "archive"]),
  ],
  options: {
    doNotFollow: { path: ["node_modules", "/dist/"] },
    exclude: { path: "/dist/.*\\.d\\.ts$" },
    // Types count too: an arrow is an arrow.
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "types", "default"],
      extensions: [".ts", ".mjs", ".js", ".d.ts", ".json"],
    },
  },
};
