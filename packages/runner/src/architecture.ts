import type {
  AskAnswer,
  DeferReport,
  EntryBody,
  OpenedAsk,
  ResultSchema,
  SessionOptions,
  StartCommand,
  TurnError,
  TurnResult,
  TurnStatus,
  Usage,
} from "@hhopkins/agent-runtime-protocol";
import type { HostTools } from "./host-tools/host-tools.ts";

/** How a turn of the harness ended. Usage and cost are of this turn alone. */
export interface TurnEnd {
  readonly status: TurnStatus;
  readonly usage: Usage;
  readonly costUSD: number;
  readonly error?: TurnError;
  /** Where the turn completed and was to result in something. */
  readonly result?: TurnResult | undefined;
  /** It has not ended: it waits for an answer without a process, and `continueTurn` goes on with it anywhere. */
  readonly deferred?: true | undefined;
}

export interface HarnessMessage {
  readonly messageId: string;
  readonly content: string;
  /** It calls a command of the harness's own. */
  readonly isCommand?: boolean;
  /** What came with it and lies in the workspace; the agent is told where. */
  readonly files?: readonly { readonly path: string; readonly mediaType: string; readonly size: number }[];
  /** What came with it for the model's eyes: images and PDFs. */
  readonly media?: readonly { readonly name: string; readonly mediaType: string; readonly data: Buffer }[];
}

/** What the runner gives a harness to do. */
export interface HarnessTurn {
  readonly turnId: string;
  readonly messages: readonly HarnessMessage[];
  /** The turn is to result in an object of this JSON Schema; one that does not ends as failed, `invalid_result`. */
  readonly resultSchema?: ResultSchema | undefined;
}

/** A turn that was deferred, with what it waits for, and what was answered meanwhile. */
export interface HarnessContinuation {
  readonly turnId: string;
  readonly asks: readonly { readonly ask: OpenedAsk; readonly answer?: AskAnswer | undefined }[];
  readonly resultSchema?: ResultSchema | undefined;
}

/** What the turn asks people. */
export interface HarnessAsking {
  /** An ask that is not open is left as it is. */
  answer(askId: string, answer: AskAnswer): void;
  /** Has the running turn end as `deferred`, where it can wait without its process. */
  defer(): Promise<DeferReport>;
  /** As `runTurn`, of a conversation that was resumed. */
  continueTurn(turn: HarnessContinuation): Promise<TurnEnd>;
}

/** What the runner gives an architecture to start its harness with. */
export interface HarnessSpec {
  readonly start: StartCommand;
  /** Absolute paths inside the sandbox. */
  readonly workspace: string;
  readonly home: string;
  /** Folder whose `node_modules` holds the harness's own packages. */
  readonly packages: string;
  /** Where the harness reaches the model, e.g. `http://127.0.0.1:3128`. */
  readonly modelUrl: string;
  /** What the harness shows the gateway instead of a key. */
  readonly modelToken: string;
  /** For the process to be ready, in milliseconds; at the start and whenever it is started again. */
  readonly startDeadlineMs: number;
  /** Transcript lines of `start.resume`, by key, put before the start. */
  readonly transcript: ReadonlyMap<string, readonly string[]>;
  /**
   * Takes what the harness has to say, in order (blocks, messages taken, subagents, usage, transcript; never turn ends or files).
   * Resolves when there is room: an architecture waits for it.
   */
  readonly emit: (body: EntryBody) => Promise<void>;
  /** Calls those of `start.hostTools`. */
  readonly hostTools: HostTools;
  readonly now: () => Date;
  /** Diagnostics for the runner's own log file; never a client's eyes. */
  readonly log: (message: string, detail?: unknown) => void;
}

/** Messages for the turn that runs. One that is folded in is said by a `message:taken`; the others are gone with the turn. */
export interface HarnessSteering {
  offer(message: HarnessMessage): void;
  /** Takes an offer back. True: too late, the turn has it or is about to. */
  withdraw(messageId: string): Promise<boolean>;
}

/** A running harness: one long-lived process, many turns. */
export interface Harness {
  /** The id with which the conversation can be resumed in another sandbox. */
  readonly nativeSessionId: string;
  /**
   * Runs one turn until the agent is idle. Never rejects: inside a turn a failure is an error block and a `failed`
   * end. A harness process that died is started again, resumed, by the next call.
   */
  runTurn(turn: HarnessTurn): Promise<TurnEnd>;
  /**
   * Stops the running turn; `failure` makes it end as failed with that error, and a process that goes on for `graceMs`
   * is killed. Resolves when asked, not when stopped.
   */
  interrupt(failure?: TurnError, graceMs?: number): Promise<void>;
  /** Stops one subagent, and its caller goes on. False: it had ended. Absent where none can be stopped by itself. */
  stopSubagent?(subagentId: string): Promise<boolean>;
  /** Absent where it asks nobody. */
  readonly asking?: HarnessAsking;
  /** Absent where a turn that runs cannot be told more. */
  readonly steering?: HarnessSteering;
  setOptions(options: SessionOptions): Promise<void>;
  /** Everything that the harness mirrors out has been emitted. */
  flush(): Promise<void>;
  /** Ends the process group of the harness. */
  stop(): Promise<void>;
}

/** PORT: an agent harness. One folder beside this file implements one architecture. */
export interface RunnerArchitecture {
  readonly name: string;
  start(spec: HarnessSpec, signal: AbortSignal): Promise<Harness>;
}
