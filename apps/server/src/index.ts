export { startServer, type RunningServer, type ServerParts } from "./serve/server.ts";
export { resolveSettings, type Settings, type SettingsSources } from "./settings/settings.ts";
