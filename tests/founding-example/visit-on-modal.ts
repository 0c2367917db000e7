// The visit (`visit.ts`), with a stand-in for Modal and one for the model beside it; prints what was seen, and what
// Modal's stand-in had of it, as JSON. All of it in one process tree, so that it can have a network of its own.
import { RUNNER_ARCHITECTURES } from "@hhopkins/agent-runtime-runner/manifest";
import { script, startScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { startModalDouble } from "@hhopkins/agent-runtime-testkit/modal-double";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const KEY = "sk-ant-canary-of-the-example";
const steps = [
  {
    thinking: "A file first.",
    text: "I write it.",
    tools: [{ name: "Write", input: { file_path: "/workspace/report.md", content: "# Report\n" } }],
  },
  { tools: [{ name: "Bash", input: { command: "wc -c < report.md; env", description: "look" } }] },
  { text: "All is done." },
];

const model = await startScriptedModel();
const packages = RUNNER_ARCHITECTURES["claude-agent-sdk"]?.resolvePackages(import.meta.url) ?? {};
const double = await startModalDouble({ packages });
try {
  const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, "visit.ts")], {
    env: {
      PATH: process.env["PATH"],
      HOME: process.env["HOME"],
      MODAL_TOKEN_ID: double.tokenId,
      MODAL_TOKEN_SECRET: double.tokenSecret,
      MODAL_SERVER_URL: double.url,
      ANTHROPIC_API_KEY: KEY,
      ANTHROPIC_BASE_URL: model.url,
      VISIT_MESSAGE: `Please work. ${script(steps)}`,
    },
    maxBuffer: 64 * 1024 * 1024,
  });
  const { unknownCalls, sandboxes, apps } = await double.control.report();
  const modal = {
    unknownCalls,
    apps,
    sandboxes: sandboxes.map(({ tags, state }) => ({ session: tags["session"], state })),
  };
  const keySeen = stdout.includes(KEY);
  process.stdout.write(JSON.stringify({ ...(JSON.parse(stdout) as object), modal, keySeen }));
} finally {
  await double.stop();
  await model.close();
}
