import type { CaseTable } from "./case-table.mjs";

export const profileTable: CaseTable;
