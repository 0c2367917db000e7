// The table field × architecture of docs/profiles.md, from what the last test run has left in test-results/profiles:
// `node scripts/profile-table.mjs` writes it, `--check` says where the page differs from the run.
import { fileURLToPath } from "node:url";
import { caseTable } from "./case-table.mjs";

export const profileTable = caseTable({
  script: "profile-table.mjs",
  page: "docs/profiles.md",
  folder: "profiles",
  suites: {
    words: "Words and skills",
    bounds: "Tools and limits",
    permissions: "Permissions and asks",
    servers: "MCP servers",
    "host-tools": "Host tools",
    secrets: "Secrets",
    faults: "Faults",
    installed: "Dependencies",
  },
  columns: ["claude-agent-sdk"],
});

if (process.argv[1] === fileURLToPath(import.meta.url)) profileTable.main();
