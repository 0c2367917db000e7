import type { SessionEvent, TurnStatus, Usage } from "@hhopkins/agent-runtime-protocol";

/** What a session had used in all at a time. */
export interface UsagePoint {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly tokens: number;
  readonly costUSD: number;
}

export interface TurnUsage {
  readonly turnId: string;
  /** The `seq` at which it ended. */
  readonly seq: number;
  readonly endedAt: string;
  /** Absent where its beginning is not in the log. */
  readonly durationMs: number | undefined;
  readonly status: TurnStatus;
  readonly usage: Usage;
  readonly costUSD: number;
}

export interface UsageSeries {
  readonly points: readonly UsagePoint[];
  readonly turns: readonly TurnUsage[];
}

/** What was used, over time and by turn, as a log tells of it up to `seq`. */
export function usageSeries(events: readonly SessionEvent[], seq = Infinity): UsageSeries {
  const points: UsagePoint[] = [];
  const turns: TurnUsage[] = [];
  const starts = new Map<string, string>();
  for (const event of events) {
    if (event.seq > seq) break;
    if (event.type === "session:turn:started") starts.set(event.data.turnId, event.at);
    // Before its first event a session has used nothing.
    if (event.seq === 1) points.push({ time: Date.parse(event.at), tokens: 0, costUSD: 0 });
    if (event.type === "session:metadata:update") {
      const { usage, costUSD } = event.data.metadata;
      points.push({ time: Date.parse(event.at), tokens: usage.totalTokens, costUSD });
    }
    if (event.type === "session:turn:completed") {
      const { turnId, status, usage, costUSD } = event.data;
      const start = starts.get(turnId);
      const durationMs = start === undefined ? undefined : Date.parse(event.at) - Date.parse(start);
      turns.push({ turnId, seq: event.seq, endedAt: event.at, durationMs, status, usage, costUSD });
    }
  }
  return { points, turns };
}

export interface ChartBox {
  readonly width: number;
  readonly height: number;
}

/** A line that steps up at each point, as an SVG path in a box; `undefined` where there is nothing to draw. */
export function stepPath(
  points: readonly { readonly time: number; readonly value: number }[],
  { width, height }: ChartBox,
): string | undefined {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const span = Math.max(1, last.time - first.time);
  const most = Math.max(...points.map(({ value }) => value));
  const x = (time: number): string => (((time - first.time) / span) * width).toFixed(1);
  const y = (value: number): string => (height - (most === 0 ? 0 : (value / most) * height)).toFixed(1);
  const steps = points.slice(1).map(({ time, value }) => `H${x(time)}V${y(value)}`);
  return `M0,${y(first.value)}${steps.join("")}H${width}`;
}
