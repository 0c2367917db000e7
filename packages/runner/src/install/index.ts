export { installSteps, installVariables } from "./steps.ts";
export type { InstallPlace, InstallStep } from "./steps.ts";
export { InstallReport, InstallRequest } from "./wire.ts";
