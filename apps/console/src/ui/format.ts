const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

// Making one takes longer than using it a hundred times.
const DAYS = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const SECONDS = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** How long ago a time was, in as few letters as a list has room for: `now`, `3 min`, `2 h`, `5 d`, then the date. */
export function agoText(at: string, now: number): string {
  const passed = now - Date.parse(at);
  // A server's clock may be ahead of ours.
  if (!(passed >= MINUTE)) return "now";
  if (passed < HOUR) return `${Math.floor(passed / MINUTE)} min`;
  if (passed < DAY) return `${Math.floor(passed / HOUR)} h`;
  if (passed < 7 * DAY) return `${Math.floor(passed / DAY)} d`;
  return DAYS.format(Date.parse(at));
}

/** A time of the log as people read it, to the second. */
export function timeText(at: string): string {
  const time = Date.parse(at);
  return Number.isNaN(time) ? at : SECONDS.format(time);
}

/** US dollars, exact where they are few. */
export function costText(costUSD: number): string {
  if (costUSD === 0) return "$0";
  if (costUSD < 0.001) return "<$0.001";
  return `$${costUSD.toFixed(costUSD < 0.1 ? 3 : 2)}`;
}

/** `950`, `12.3k`, `4.1M`. */
export function countText(count: number): string {
  if (count < 1000) return String(count);
  // What would be rounded up to 1000k is 1M.
  if (count < 999_500) return `${short(count / 1000)}k`;
  return `${short(count / 1_000_000)}M`;
}

function short(value: number): string {
  return value < 99.95 ? value.toFixed(1).replace(/\.0$/, "") : String(Math.round(value));
}

/** `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, of milliseconds. */
export function durationText(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `512 B`, `3.4 kB`, `20 MB`; a kilobyte is 1000 bytes. */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 999_500) return `${short(bytes / 1000)} kB`;
  return bytes < 999_500_000 ? `${short(bytes / 1e6)} MB` : `${short(bytes / 1e9)} GB`;
}
