export { createScriptedModelHandler } from "./handler.ts";
export type { ScriptedModelHandler, ScriptedModelHandlerOptions } from "./handler.ts";
export type { Played } from "./play.ts";
export type { ScriptedModelRequest } from "./request-log.ts";
export { startScriptedModel } from "./server.ts";
export type { ScriptedModel, ScriptedModelOptions } from "./server.ts";
export { script, scriptSchema, stepSchema } from "./step.ts";
export type { ScriptStep } from "./step.ts";
