import { spawn } from "node:child_process";
import { StringDecoder } from "node:string_decoder";
import type { Readable } from "node:stream";
import type { InstallStep } from "./steps.ts";

const TAIL_LINES = 30;
const TAIL_CHARS = 6_000;
const LINE_CHARS = 400;

/** Runs a step to its end. Throws with its last lines where it fails; `onLine` gets each line that it says. */
export async function runStep(
  step: InstallStep,
  environment: Readonly<Record<string, string>>,
  onLine: (line: string) => void,
): Promise<void> {
  const [program = "", ...args] = step.command;
  const tail: string[] = [];
  const child = spawn(program, args, { cwd: step.cwd, env: environment, stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [child.stdout, child.stderr]) {
    eachLine(stream, (line) => {
      tail.push(line);
      if (tail.length > TAIL_LINES) tail.shift();
      onLine(line);
    });
  }
  const how = await new Promise<string | null>((resolve) => {
    child.once("error", (error) => resolve(`it could not be started: ${error.message}`));
    child.once("close", (code, signal) => {
      if (code === 0) resolve(null);
      else resolve(signal === null ? `exit code ${code}` : `killed by ${signal}`);
    });
  });
  if (how === null) return;
  const said = tail.join("\n").slice(-TAIL_CHARS);
  throw new Error(`${step.label} failed (${how}).${said === "" ? "" : ` It said last:\n${said}`}`);
}

/** Lines without control characters, long ones cut; what has no end yet is held up to a line's length. */
function eachLine(stream: Readable, onLine: (line: string) => void): void {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  const say = (line: string): void => {
    // eslint-disable-next-line no-control-regex -- colours and cursor movements of a terminal
    const plain = line.replaceAll(/\u001b\[[0-9;?]*[A-Za-z]/g, "").replaceAll(/[\u0000-\u001f\u007f]/g, " ");
    if (plain.trim() !== "") onLine(plain.trimEnd().slice(0, LINE_CHARS));
  };
  stream.on("data", (chunk: Buffer) => {
    const lines = (rest + decoder.write(chunk)).split(/[\r\n]+/);
    rest = (lines.pop() ?? "").slice(0, LINE_CHARS);
    lines.forEach(say);
  });
  stream.on("end", () => say(rest));
  stream.on("error", () => undefined);
}
