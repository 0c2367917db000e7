/** Where the transports say what the operator must know. A pino logger fits. Keys and message texts never go in. */
export interface TransportLog {
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

export const SILENT_LOG: TransportLog = { warn() {}, error() {} };
