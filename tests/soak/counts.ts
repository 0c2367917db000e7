/** What has happened so far; parts of the soak count here, and the samples are taken from it. */
export interface Counts {
  turns: number;
  reconnects: number;
  /** Of the server, and of single sandboxes with the turn that may run in them. */
  kills: number;
  sandboxKills: number;
  /** Turns that ended because their sandbox was killed. */
  lostTurns: number;
  events: number;
  /** Turns that did not end as completed, and messages that no turn took in time. */
  failed: string[];
  /** Events that were missed or came twice. */
  faults: string[];
}

export function newCounts(): Counts {
  return { turns: 0, reconnects: 0, kills: 0, sandboxKills: 0, lostTurns: 0, events: 0, failed: [], faults: [] };
}

/** Where the server listens at the moment; another one after each kill. */
export interface Address {
  url: string;
}
