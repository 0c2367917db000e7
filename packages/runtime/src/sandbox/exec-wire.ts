/**
 * What the server and the program that starts programs inside (`exec-supervisor.ts`) say to each other, for sandboxes of
 * this host. The server listens on a socket of its own in the sandbox's folder of sockets and writes the socket's name
 * into a FIFO there; a shell inside waits on the FIFO and starts a supervisor for each name. The supervisor dials one
 * control line, and three more for each program, which become its standard input, output and error as they are: the
 * kernel carries their bytes, and keeps their order, their end and their back pressure.
 *
 * Every connection begins with one line of JSON that says what it is. No zod here: the supervisor is to start fast.
 */
export const EXEC_FIFO = "exec.fifo";

export const EXEC_STREAMS = ["stdin", "stdout", "stderr"] as const;
export type ExecStream = (typeof EXEC_STREAMS)[number];

/** First line of a connection. */
export type ExecHello = { readonly control: true } | { readonly id: string; readonly stream: ExecStream };

/** Server to supervisor, a line each on the control line. */
export type ExecOrder =
  | {
      readonly start: string;
      readonly command: readonly string[];
      /** The workspace by default. */
      readonly cwd: string | undefined;
      readonly environment: Readonly<Record<string, string>>;
    }
  | { readonly kill: string };

/** Supervisor to server, a line each on the control line. */
export type ExecReport =
  | { readonly id: string; readonly started: true }
  /** The system's code, e.g. ENOENT. */
  | { readonly id: string; readonly failed: string }
  /** null: killed by a signal. */
  | { readonly id: string; readonly exit: number | null };
