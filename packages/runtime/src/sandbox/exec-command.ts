import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { ExecOptions } from "./port.ts";

/** Throws `invalid_request` for what no system could run: no program, a NUL in a text, a folder that is not absolute. */
export function checkCommand(command: readonly string[], { cwd, environment = {} }: ExecOptions): void {
  const [program = ""] = command;
  if (program === "") throw invalid("command", "A command has a program");
  if (command.some((argument) => argument.includes("\0"))) throw invalid("command", "An argument holds a NUL");
  if (cwd !== undefined && (!cwd.startsWith("/") || cwd.includes("\0"))) {
    throw invalid("cwd", `A working directory is an absolute path: ${JSON.stringify(cwd)}`);
  }
  for (const [name, value] of Object.entries(environment)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || value.includes("\0")) {
      throw invalid("environment", `Not an environment variable: ${JSON.stringify(name)}`);
    }
  }
}

function invalid(field: string, message: string): RuntimeError {
  return new RuntimeError("invalid_request", message, { field });
}
