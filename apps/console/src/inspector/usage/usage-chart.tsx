import { timeText } from "../../ui/format.ts";
import { stepPath, type UsagePoint } from "./usage-series.ts";

const BOX = { width: 400, height: 96 };

export interface UsageChartProps {
  readonly points: readonly UsagePoint[];
  readonly of: "tokens" | "costUSD";
  readonly format: (value: number) => string;
}

/** What was used in all, over time. The tables below it say the same in numbers. */
export function UsageChart({ points, of, format }: UsageChartProps) {
  const path = stepPath(
    points.map((point) => ({ time: point.time, value: point[of] })),
    BOX,
  );
  const [first, last] = [points[0], points.at(-1)];
  if (path === undefined || first === undefined || last === undefined || last[of] === 0)
    return <p className="text-muted">Nothing was used so far.</p>;
  const { width, height } = BOX;
  const [from, to] = [new Date(first.time).toISOString(), new Date(last.time).toISOString()];
  return (
    <figure>
      <svg
        role="img"
        aria-label={`From ${format(first[of])} to ${format(last[of])}, ${timeText(from)} to ${timeText(to)}`}
        viewBox={`0 -2 ${width} ${height + 4}`}
        preserveAspectRatio="none"
        className="h-28 w-full"
      >
        {[0, 0.5, 1].map((part) => (
          <line
            key={part}
            x1={0}
            x2={width}
            y1={part * height}
            y2={part * height}
            className="stroke-line"
            vectorEffect="non-scaling-stroke"
          />
        ))}
        <path d={`${path}V${height}H0Z`} className="fill-accent/15" />
        <path d={path} className="fill-none stroke-accent" strokeWidth={2} vectorEffect="non-scaling-stroke" />
      </svg>
      <figcaption className="flex justify-between text-xs text-muted">
        <span>{timeText(from)}</span>
        <span>
          {format(last[of])} · {timeText(to)}
        </span>
      </figcaption>
    </figure>
  );
}
