interface Planted {
  /** The file that breaks the rule. */
  readonly from: string;
  readonly files: Record<string, string>;
}

const bad = (from: string, target: string, others: Record<string, string> = {}): Planted => ({
  from,
  files: { [from]: `import * as planted from "${target}";\nexport const use = planted;\n`, ...others },
});

const RUNTIME = "packages/runtime/src";
const something = "export const something = 1;\n";

/** For each rule of `.dependency-cruiser.mjs` the ways to break it that must be found. */
export const planted: Record<string, readonly Planted[]> = {
  "no-circular": [
    bad(`${RUNTIME}/log/first.ts`, "./second.ts", {
      [`${RUNTIME}/log/second.ts`]: 'import * as first from "./first.ts";\nexport const back = first;\n',
    }),
  ],
  resolvable: [
    bad("apps/server/src/deep.ts", "@hhopkins/agent-runtime/src/session/session.ts"),
    bad("packages/protocol/src/nowhere.ts", "./there-is-no-such-file.ts"),
  ],
  declared: [
    bad("packages/runner/src/undeclared.ts", "only-the-root-has-it", {
      "node_modules/only-the-root-has-it/package.json":
        '{ "name": "only-the-root-has-it", "version": "1.0.0", "main": "index.js" }',
      "node_modules/only-the-root-has-it/index.js": "",
    }),
  ],
  "no-dev-dependencies": [bad(`${RUNTIME}/log/dev.ts`, "fast-check")],
  "public-entries": [
    bad("apps/server/src/around.ts", "../../../packages/runtime/src/log/inner.ts", {
      [`${RUNTIME}/log/inner.ts`]: something,
    }),
    bad("tests/around.test.ts", "../packages/protocol/src/inner.ts", { "packages/protocol/src/inner.ts": something }),
  ],
  "public-entries-between-packages": [bad("packages/runner/src/around.ts", "../../protocol/src/inner.ts")],
  "packages-stand-below": [bad("packages/testkit/src/up.ts", "../../../apps/server/src/index.ts")],
  "apps-know-no-tests": [bad("apps/server/src/tested.ts", "../../../tests/names.ts", { "tests/names.ts": something })],
  "examples-stand-alone": [bad("examples/leaning.ts", "../tests/names.ts")],
  "protocol-imports-nobody": [bad("packages/protocol/src/up.ts", "../../runtime/src/index.ts")],
  "protocol-only-zod": [bad("packages/protocol/src/foreign.ts", "../../runtime/node_modules/hono/index.js")],
  "protocol-no-node": [bad("packages/protocol/src/disk.ts", "node:fs")],
  "runner-arrows": [bad("packages/runner/src/up.ts", "../../runtime/src/index.ts")],
  "testkit-arrows": [bad("packages/testkit/src/across.ts", "../../client/src/index.ts")],
  "client-arrows": [bad("packages/client/src/across.ts", "../../runtime/src/index.ts")],
  "client-no-node": [bad("packages/client/src/disk.ts", "node:fs"), bad("packages/client/src/bytes.ts", "buffer")],
  "client-no-foreign": [bad("packages/client/src/foreign.ts", "../../runtime/node_modules/hono/index.js")],
  "react-arrows": [bad("packages/react/src/across.ts", "../../runtime/src/index.ts")],
  "react-no-node": [bad("packages/react/src/disk.ts", "node:fs")],
  "react-only-react": [bad("packages/react/src/foreign.ts", "../../runtime/node_modules/hono/index.js")],
  "runtime-arrows": [bad(`${RUNTIME}/session/client.ts`, "../../../client/src/index.ts")],
  "console-arrows": [
    bad("apps/console/src/app.ts", "../../server/src/main.ts", { "apps/server/src/main.ts": something }),
  ],
  "console-no-node": [bad("apps/console/src/disk.ts", "node:path")],
  "runtime-ts-only-from-entry": [
    bad(`${RUNTIME}/session/whole.ts`, "../runtime.ts", { [`${RUNTIME}/runtime.ts`]: something }),
  ],
  "adapters-only-from-runtime-ts": [
    bad(`${RUNTIME}/session/store.ts`, "../persistence/sqlite/index.ts"),
    bad(`${RUNTIME}/persistence/choice.ts`, "./memory/index.ts"),
  ],
  "adapter-arrows": [
    bad(`${RUNTIME}/persistence/sqlite/other.ts`, "../memory/index.ts"),
    bad(`${RUNTIME}/sandbox/local/store.ts`, "../../persistence/port.ts", {
      [`${RUNTIME}/persistence/port.ts`]: something,
    }),
    bad(`${RUNTIME}/sandbox/local/session.ts`, "../../session/session.ts", {
      [`${RUNTIME}/session/session.ts`]: something,
    }),
    bad(`${RUNTIME}/sandbox/modal/web.ts`, "../../transport/web.ts", { [`${RUNTIME}/transport/web.ts`]: something }),
  ],
  "runtime-log-arrows": [bad(`${RUNTIME}/log/session.ts`, "../session/session.ts")],
  "runtime-host-tools-arrows": [bad(`${RUNTIME}/host-tools/run.ts`, "../session/session.ts")],
  "runtime-profiles-arrows": [bad(`${RUNTIME}/profiles/run.ts`, "../session/session.ts")],
  "runtime-results-arrows": [bad(`${RUNTIME}/results/run.ts`, "../session/session.ts")],
  "runtime-rights-arrows": [bad(`${RUNTIME}/rights/web.ts`, "../transport/web.ts")],
  "runtime-auth-arrows": [bad(`${RUNTIME}/auth/session.ts`, "../session/session.ts")],
  "runtime-gateway-arrows": [bad(`${RUNTIME}/gateway/session.ts`, "../session/session.ts")],
  "runtime-cluster-arrows": [bad(`${RUNTIME}/cluster/session.ts`, "../session/session.ts")],
  "runtime-session-arrows": [bad(`${RUNTIME}/session/web.ts`, "../transport/web.ts")],
  "runtime-archive-arrows": [bad(`${RUNTIME}/archive/web.ts`, "../transport/web.ts")],
  "runtime-transport-arrows": [
    bad(`${RUNTIME}/transport/keys.ts`, "../gateway/keys.ts", { [`${RUNTIME}/gateway/keys.ts`]: something }),
  ],
};
