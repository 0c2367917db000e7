export * from "./scripted-model/index.ts";
export * from "./persistence-contract/index.ts";
export * from "./sandbox-contract/index.ts";
export * from "./isolation/index.ts";
