// The table provider × case of docs/sandboxes.md, from what the last test run has left in test-results/sandboxes:
// `node scripts/sandbox-table.mjs` writes it, `--check` says where the page differs from the run.
import { fileURLToPath } from "node:url";
import { caseTable } from "./case-table.mjs";

const providers = ["local", "docker", "modal", "unsafe-process"];

export const sandboxTable = caseTable({
  script: "sandbox-table.mjs",
  page: "docs/sandboxes.md",
  folder: "sandboxes",
  suites: { contract: "Contract", isolation: "Isolation" },
  columns: providers.flatMap((provider) => [`${provider}, root`, `${provider}, ordinary user`]),
});

if (process.argv[1] === fileURLToPath(import.meta.url)) sandboxTable.main();
