import { readFileSync, existsSync } from "node:fs";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";

const OTHERWISE =
  "Or choose --sandbox docker, where a Docker engine runs. Or, for development only and without any isolation, choose --sandbox unsafe-process.";

/** Where bubblewrap was looked for and is not. */
export function bubblewrapMissing(platform: NodeJS.Platform = process.platform): RuntimeError {
  if (platform !== "linux") {
    const instead = platform === "win32" ? "Run the server in WSL 2" : "Run the server in a Linux machine";
    return new RuntimeError(
      "isolation_unavailable",
      `The local sandbox needs Linux with bubblewrap. ${instead}. ${OTHERWISE}`,
    );
  }
  return new RuntimeError(
    "isolation_unavailable",
    `bubblewrap (the program bwrap) is not installed. Install it: apt-get install bubblewrap, dnf install bubblewrap, or apk add bubblewrap. ${OTHERWISE}`,
  );
}

/** There is no table of system calls for this processor. */
export function noFilter(arch: string): RuntimeError {
  return new RuntimeError(
    "isolation_unavailable",
    `The local sandbox filters system calls on x64 and arm64 alone, and this is ${arch}. ${OTHERWISE}`,
  );
}

/** What bubblewrap has said instead of starting a sandbox, with the remedy where it is known. */
export function explainRefusal(said: string): RuntimeError {
  const text = said.trim() === "" ? "bubblewrap gave no reason" : said.trim();
  const remedy = remedyFor(text);
  if (remedy === null) return new RuntimeError("sandbox_unavailable", `The sandbox did not start: ${text}`);
  return new RuntimeError(
    "isolation_unavailable",
    `This machine refuses to isolate sandboxes (${text}). ${remedy} ${OTHERWISE}`,
  );
}

function remedyFor(said: string): string | null {
  if (/unknown option/i.test(said)) return "bubblewrap 0.8 or newer is needed: update the package bubblewrap.";
  // Not forbidden: there was no process left for it, in its limits or on the machine.
  if (/resource temporarily unavailable|cannot fork/i.test(said)) return null;
  if (!/namespace|uid map|user\.max_user|operation not permitted|permission denied/i.test(said)) return null;
  if (setting("kernel/apparmor_restrict_unprivileged_userns") === "1") {
    return "AppArmor restricts user namespaces (Ubuntu 23.10 and newer): give /usr/bin/bwrap an AppArmor profile with the rule userns, or run sysctl -w kernel.apparmor_restrict_unprivileged_userns=0.";
  }
  if (setting("kernel/unprivileged_userns_clone") === "0") return "Run sysctl -w kernel.unprivileged_userns_clone=1.";
  if (setting("user/max_user_namespaces") === "0") return "Run sysctl -w user.max_user_namespaces=15000.";
  if (existsSync("/.dockerenv") || existsSync("/run/.containerenv")) {
    return "In a container, start it with --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined.";
  }
  return "The kernel, AppArmor or a seccomp filter forbids new namespaces: allow user namespaces for bwrap.";
}

function setting(name: string): string | null {
  try {
    return readFileSync(`/proc/sys/${name}`, "utf8").trim();
  } catch {
    return null;
  }
}
