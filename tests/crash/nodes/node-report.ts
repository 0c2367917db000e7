import type { Blow, BlowKind } from "./blows.ts";

/** What a crash test over several nodes came to. */
export interface NodeReport {
  readonly store: string;
  readonly nodes: number;
  readonly leaseMs: number;
  readonly seed: number;
  readonly rounds: number;
  readonly blows: readonly Blow[];
  readonly events: number;
  /** The same, by server-sent events. */
  readonly streamed: number;
  readonly retracted: number;
  readonly turns: number;
  /** Turns that failed because their sandbox was ended. */
  readonly sandboxLost: number;
  /** Turns that went on after a blow to their node. */
  readonly continued: number;
  readonly completed: number;
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  readonly short: readonly string[];
  /** Appends that the database has seen. */
  readonly writes: number;
  readonly ownedTwice: readonly string[];
  /** How often a node has said that it lets go of a session that another one has, that a write of its was refused for that, and that a runner refused it. */
  readonly letGo: number;
  readonly refusedWrites: number;
  readonly refusedStreams: number;
  /** What else is not as it must be. */
  readonly faults: readonly string[];
  readonly seconds: number;
}

/** The report for people. */
export function nodeTable(report: NodeReport): string {
  const { blows } = report;
  const of = (kind: BlowKind): string => {
    const all = blows.filter((blow) => blow.kind === kind);
    return `${all.length}, hit ${all.reduce((sum, { hit }) => sum + hit.length, 0)} sessions with a turn`;
  };
  const away = (kind: BlowKind): string => {
    const all = blows.filter((blow) => blow.kind === kind).flatMap(({ awayMs }) => awayMs);
    const sorted = all.toSorted((a, b) => a - b);
    const at = (share: number): string => `${Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0)} ms`;
    return sorted.length === 0 ? "none" : `${at(0.5)} / ${at(0.9)} / ${at(1)} of ${sorted.length}`;
  };
  const rows: [string, string | number][] = [
    ["store, nodes, lease", `${report.store}, ${report.nodes}, ${report.leaseMs} ms`],
    ["seed, rounds", `${report.seed}, ${report.rounds}`],
    ["nodes killed (SIGKILL)", of("kill")],
    ["nodes stopped for longer than their lease (SIGSTOP)", of("pause")],
    ["nodes restarted (SIGTERM)", of("restart")],
    ["sandboxes ended", of("sandbox")],
    ["events by WebSocket, by SSE", `${report.events}, ${report.streamed}`],
    ["lost", report.lost.length],
    ["doubled", report.doubled.length],
    ["appends, by the database", report.writes],
    ["sessions owned twice, by the database", report.ownedTwice.length],
    ["turns", report.turns],
    ["turns whose node was hit and that went on", report.continued],
    ["turns completed", report.completed],
    ["turns that failed because their sandbox was ended", report.sandboxLost],
    ["sessions let go by nodes that woke", report.letGo],
    ["lines of refused writes, of runners that refused", `${report.refusedWrites}, ${report.refusedStreams}`],
    ["answers taken back", report.retracted],
    ["kill to next event elsewhere, median / 90 % / longest", away("kill")],
    ["stop to next event elsewhere", away("pause")],
    ["restart to next event elsewhere", away("restart")],
    ["seconds", Math.round(report.seconds)],
  ];
  return rows.map(([name, value]) => `${name.padEnd(62)} ${value}`).join("\n");
}

/** What fails the test, in words. */
export function nodeFaults(report: NodeReport): string[] {
  return [
    ...report.lost.map((what) => `lost: ${what}`),
    ...report.doubled.map((what) => `doubled: ${what}`),
    ...report.short.map((what) => `not completed: ${what}`),
    ...report.ownedTwice.map((what) => `owned twice: ${what}`),
    ...report.faults,
    ...(report.writes === 0 ? ["the database has seen no write"] : []),
  ];
}
