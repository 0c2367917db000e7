import type { DocumentByName, TableNamesInDataModel } from "convex/server";
import type { GenericId } from "convex/values";
import type { DataModel } from "./schema.ts";

export type Table = TableNamesInDataModel<DataModel>;
export type Doc<T extends Table> = DocumentByName<DataModel, T>;
export type Id<T extends Table> = GenericId<T>;
