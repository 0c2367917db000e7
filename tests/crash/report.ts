/** What a randomised crash test came to. */
export interface CrashReport {
  readonly seed: number;
  readonly gateway: boolean;
  readonly rounds: number;
  readonly kills: number;
  /** Kills that hit a running turn. */
  readonly hits: number;
  readonly events: number;
  readonly retracted: number;
  readonly turns: number;
  /** Turns that went on after a kill. */
  readonly continued: number;
  readonly completed: number;
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  readonly short: readonly string[];
  /** Milliseconds from the start of the next server's process to the first event that a client had missed, by length. */
  readonly resumeMs: readonly number[];
  readonly seconds: number;
}

/** The report for people. */
export function crashTable(report: CrashReport): string {
  const at = (share: number): string =>
    `${Math.round(report.resumeMs[Math.floor((report.resumeMs.length - 1) * share)] ?? 0)} ms`;
  const rows: [string, string | number][] = [
    ["seed", report.seed],
    ["gateway", report.gateway ? "a process of its own" : "in the server"],
    ["rounds", report.rounds],
    ["kills", report.kills],
    ["kills that hit a running turn", `${report.hits} (${percent(report.hits, report.kills)})`],
    ["events", report.events],
    ["lost", report.lost.length],
    ["doubled", report.doubled.length],
    ["turns", report.turns],
    ["turns that a kill hit and that went on", report.continued],
    ["turns completed", `${report.completed} (${percent(report.completed, report.turns)})`],
    ["answers taken back", report.retracted],
    ["process start to first event, median / longest", `${at(0.5)} / ${at(1)}`],
    ["seconds", Math.round(report.seconds)],
  ];
  return rows.map(([name, value]) => `${name.padEnd(54)} ${value}`).join("\n");
}

/** What fails a crash test, in words. */
export function faultsOf(report: CrashReport): string[] {
  return [
    ...report.lost.map((what) => `lost: ${what}`),
    ...report.doubled.map((what) => `doubled: ${what}`),
    ...(report.completed < report.turns * 0.99 ? report.short.map((what) => `not completed: ${what}`) : []),
    ...(report.hits < report.kills * 0.8 ? [`only ${report.hits} of ${report.kills} kills hit a running turn`] : []),
  ];
}

function percent(part: number, whole: number): string {
  return `${whole === 0 ? 100 : Math.round((part / whole) * 1000) / 10} %`;
}
