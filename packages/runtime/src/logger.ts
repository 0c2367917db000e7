/** What the runtime logs with; pino's shape. Never given keys, or message texts above debug. */
export interface Logger {
  debug(detail: object, message: string): void;
  info(detail: object, message: string): void;
  warn(detail: object, message: string): void;
  error(detail: object, message: string): void;
}

function write(level: string, message: string, detail: object): void {
  const error = "err" in detail && detail.err instanceof Error ? `: ${detail.err.message}` : "";
  process.stderr.write(`[agent-runtime] ${level}: ${message}${error}\n`);
}

/** Says warnings and errors on stderr, nothing else: for embedders who give no logger. */
export const consoleLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (detail, message) => write("warning", message, detail),
  error: (detail, message) => write("error", message, detail),
};
