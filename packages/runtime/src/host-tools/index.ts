export { callRate } from "./call-rate.ts";
export { createHostToolbox, type HostToolbox } from "./host-toolbox.ts";
export { createProgress } from "./progress.ts";
export { runHostTool } from "./run-host-tool.ts";
export { tool, type HostTool, type HostToolContext, type HostToolOptions } from "./tool.ts";
