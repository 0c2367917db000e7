// npm start: installs what is missing, then serves. What stands after `--` goes to the command.
import { join } from "node:path";
import { ensureInstalled } from "./install.mjs";
import { root } from "./pnpm.mjs";
import { run, systemPackages } from "./run.mjs";

const given = process.argv.slice(2);
const [first] = given;
// Flags alone mean `serve`; another command is passed on as it is.
const args = first === undefined || first.startsWith("-") ? ["serve", ...given] : given;

/** Only the local sandbox needs bubblewrap, and only a command that serves needs a sandbox. */
function wantsBubblewrap() {
  if (args[0] !== "serve" || args.some((arg) => ["-h", "--help", "-V", "--version"].includes(arg))) return false;
  const inline = args.find((arg) => arg.startsWith("--sandbox="))?.slice("--sandbox=".length);
  const next = args.includes("--sandbox") ? args[args.indexOf("--sandbox") + 1] : undefined;
  return (inline ?? next ?? process.env.AGENT_RUNTIME_SANDBOX ?? "local") === "local";
}

await ensureInstalled();
if (wantsBubblewrap()) systemPackages("bubblewrap");
const { bundle } = await import("./bundle.mjs");
await bundle();
process.exitCode = await run([join(root, "apps/server/src/main.ts"), ...args]);
