import type { CaseTable } from "./case-table.mjs";

export const sandboxTable: CaseTable;
