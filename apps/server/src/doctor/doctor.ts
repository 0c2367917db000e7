import type { Settings } from "../settings/settings.ts";
import { diagnose, type Finding } from "./checks.ts";

const SIGNS: Readonly<Record<Finding["state"], string>> = { ok: "ok  ", warn: "warn", fail: "FAIL" };

/** Prints what a start needs and what to do about what lacks. Resolves with the exit code. */
export async function doctor(settings: Settings): Promise<number> {
  const findings = await diagnose(settings, process.env);
  process.stdout.write(report(findings));
  return findings.some((finding) => finding.state === "fail") ? 1 : 0;
}

export function report(findings: readonly Finding[]): string {
  return findings.map(({ name, state, detail }) => `${SIGNS[state]}  ${name}: ${detail}\n`).join("");
}
