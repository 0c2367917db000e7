/** Calls that a session may make at once, and a second from then on. Agents are slower; a sandbox that is not one need not be. */
const BURST = 100;
const A_SECOND = 10;

/** Whether one more call is taken now. `now` in milliseconds. */
export function callRate(now: () => number, burst = BURST, aSecond = A_SECOND): () => boolean {
  let left = burst;
  let since = now();
  return () => {
    const at = now();
    left = Math.min(burst, left + (Math.max(0, at - since) / 1000) * aSecond);
    since = at;
    if (left < 1) return false;
    left -= 1;
    return true;
  };
}
