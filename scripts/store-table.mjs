// The table store × case of docs/persistence.md, from what the last test run has left in test-results/stores:
// `node scripts/store-table.mjs` writes it, `--check` says where the page differs from the run.
import { fileURLToPath } from "node:url";
import { caseTable } from "./case-table.mjs";

export const storeTable = caseTable({
  script: "store-table.mjs",
  page: "docs/persistence.md",
  folder: "stores",
  suites: { contract: "Contract", cluster: "Cluster" },
  columns: ["memory", "sqlite", "postgres", "mysql", "supabase", "supabase, RLS", "convex", "nine methods"],
});

if (process.argv[1] === fileURLToPath(import.meta.url)) storeTable.main();
