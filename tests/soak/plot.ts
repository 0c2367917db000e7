import type { Sample } from "./samples.ts";

const WIDTH = 960;
const PANEL = { height: 130, gap: 46, left: 70, right: 20 };

interface Panel {
  readonly title: string;
  readonly points: readonly (readonly [seconds: number, value: number])[];
}

/** The soak as a picture: one panel a quantity over the same minutes, each kill a line. */
export function plot(samples: readonly Sample[], title: string): string {
  const panels: Panel[] = [
    { title: "memory of the server (RSS), MiB", points: samples.map(({ seconds, rssMib }) => [seconds, rssMib]) },
    {
      title: "its heap and buffers after a garbage collection, MiB",
      points: samples.flatMap(({ seconds, liveMib }) => (Number.isNaN(liveMib) ? [] : [[seconds, liveMib] as const])),
    },
    { title: "its file descriptors", points: samples.map(({ seconds, descriptors }) => [seconds, descriptors]) },
    { title: "sandboxes that run (at most 12)", points: samples.map(({ seconds, sandboxes }) => [seconds, sandboxes]) },
    { title: "turns completed a minute", points: perMinute(samples, "turns") },
    { title: "reconnects a minute", points: perMinute(samples, "reconnects") },
  ];
  const seconds = samples.at(-1)?.seconds ?? 1;
  const kills = samples
    .filter((sample, index) => sample.kills > (samples[index - 1]?.kills ?? 0))
    .map((sample) => sample.seconds);
  const height = 60 + panels.length * (PANEL.height + PANEL.gap);
  const drawn = panels.map((panel, index) =>
    drawPanel(panel, 60 + index * (PANEL.height + PANEL.gap), { seconds, kills }),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
<text x="${PANEL.left}" y="24" font-size="15">${title}</text>
<text x="${PANEL.left}" y="42" fill="#b00">red: the server is killed (SIGKILL) and started again</text>
${drawn.join("\n")}
</svg>
`;
}

function drawPanel({ title, points }: Panel, top: number, time: { seconds: number; kills: readonly number[] }): string {
  const most = Math.max(1, ...points.map(([, value]) => value)) * 1.1;
  const x = (seconds: number): string =>
    (PANEL.left + (seconds / time.seconds) * (WIDTH - PANEL.left - PANEL.right)).toFixed(1);
  const y = (value: number): string => (top + PANEL.height - (value / most) * PANEL.height).toFixed(1);
  const marks = Array.from({ length: 3 }, (_, index) => (most / 1.1 / 2) * index);
  const minutes = Array.from({ length: Math.floor(time.seconds / 60) + 1 }, (_, minute) => minute);
  const bottom = top + PANEL.height;
  return [
    `<text x="${PANEL.left}" y="${top - 6}">${title}</text>`,
    ...time.kills.map(
      (at) => `<line x1="${x(at)}" x2="${x(at)}" y1="${top}" y2="${bottom}" stroke="#b00" stroke-opacity=".35"/>`,
    ),
    ...marks.map(
      (mark) => `<text x="${PANEL.left - 8}" y="${Number(y(mark)) + 4}" text-anchor="end">${mark.toFixed(0)}</text>`,
    ),
    ...minutes.map(
      (minute) => `<text x="${x(minute * 60)}" y="${bottom + 15}" text-anchor="middle" fill="#666">${minute}</text>`,
    ),
    `<path d="M${PANEL.left},${top}V${bottom}H${WIDTH - PANEL.right}" fill="none" stroke="#999"/>`,
    `<polyline points="${points.map(([at, value]) => `${x(at)},${y(value)}`).join(" ")}" fill="none" stroke="#06c" stroke-width="1.5"/>`,
  ].join("\n");
}

/** What happened in the minute before each sample, as far back as there is one. */
function perMinute(samples: readonly Sample[], of: "turns" | "reconnects"): [number, number][] {
  return samples.flatMap((sample): [number, number][] => {
    const before = samples.findLast(({ seconds }) => seconds <= sample.seconds - 60);
    return before === undefined
      ? []
      : [[sample.seconds, ((sample[of] - before[of]) * 60) / (sample.seconds - before.seconds)]];
  });
}
