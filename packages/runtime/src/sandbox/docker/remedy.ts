import { RuntimeError } from "@hhopkins/agent-runtime-protocol";

const INSTEAD = "Or choose another sandbox, such as local.";

/** What the engine, or the way to it, said, in our words and with the remedy where it is known. */
export function explainEngineError(error: unknown, host: string | undefined): RuntimeError {
  if (error instanceof RuntimeError) return error;
  const said = error instanceof Error ? error.message.trim() : String(error);
  const where = host ?? "its usual socket";
  switch (codeOf(error)) {
    case "ENOENT":
      return new RuntimeError(
        "isolation_unavailable",
        `There is no Docker engine at ${where} (${said}). Install and start Docker, or set DOCKER_HOST to where it listens. ${INSTEAD}`,
        { cause: error },
      );
    case "EACCES":
    case "EPERM":
      return new RuntimeError(
        "isolation_unavailable",
        `This user may not speak to the Docker engine (${said}). Add it to the group docker: usermod -aG docker USER, and log in again; whoever is in that group is as mighty as root. ${INSTEAD}`,
        { cause: error },
      );
    default:
      if (statusOf(error) !== null) {
        return new RuntimeError("sandbox_unavailable", `Docker said: ${said}`, { cause: error });
      }
      return new RuntimeError(
        "sandbox_unavailable",
        `Docker cannot be reached at ${where} (${said}). Look whether the engine runs: docker info. ${INSTEAD}`,
        { cause: error },
      );
  }
}

/** The container was made, and its program could not be started. */
export function explainStart(image: string, error: RuntimeError): RuntimeError {
  const { message } = error;
  if (/seccomp|no_new_privileges|operation not permitted/i.test(message)) {
    return new RuntimeError("isolation_unavailable", `This engine refuses to isolate sandboxes. ${message}`, {
      cause: error,
    });
  }
  if (/executable file not found|no such file or directory/i.test(message)) {
    return new RuntimeError("sandbox_unavailable", `The image ${image} cannot run the agent. ${NEEDS} (${message})`, {
      cause: error,
    });
  }
  return error;
}

export const NEEDS = "It needs Node 22.18 or newer, Git and a shell in its PATH; node:24-bookworm has them.";

function codeOf(error: unknown): string | null {
  return typeof error === "object" && error !== null && "code" in error && typeof error.code === "string"
    ? error.code
    : null;
}

function statusOf(error: unknown): number | null {
  return typeof error === "object" && error !== null && "statusCode" in error && typeof error.statusCode === "number"
    ? error.statusCode
    : null;
}
