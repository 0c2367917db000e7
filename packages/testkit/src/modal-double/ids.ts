import { randomBytes } from "node:crypto";

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

function random(length: number): string {
  return [...randomBytes(length)].map((byte) => DIGITS[byte % DIGITS.length]).join("");
}

/** An id in Modal's form: `ap-`, `im-`, `st-`, `ta-` and 22 letters and digits. */
export function makeId(prefix: string): string {
  return `${prefix}-${random(22)}`;
}

/** The SDK tells the two kinds of sandboxes apart by the length of their ids. */
export function makeSandboxId(version: 1 | 2): string {
  return `sb-${random(version === 1 ? 22 : 26)}`;
}
