#!/usr/bin/env node
import { parseArgs } from "node:util";
import { script, startScriptedModel } from "../scripted-model/index.ts";

const usage = `agent-runtime-scripted-model [--port N] [--host H] [--demo]

A model endpoint that says what the prompt tells it to, in Anthropic's Messages format.

  --port N   listen on this port; a free one by default
  --host H   listen on this address; 127.0.0.1 by default
  --demo     answer prompts without a script with a turn that writes a file and reads it back
  --help     this text

Point a harness at it with ANTHROPIC_BASE_URL and any ANTHROPIC_API_KEY, and put steps into a prompt:
  ${script([{ thinking: "Let me see.", text: "Hello!" }])}
`;

function readArguments(): { port: number; host: string; demo: boolean; help: boolean } {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "0" },
      host: { type: "string", default: "127.0.0.1" },
      demo: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error(`--port must be 0 to 65535, not "${values.port}".`);
  return { ...values, port };
}

async function main(): Promise<void> {
  const { help, ...options } = readArguments();
  if (help) {
    process.stdout.write(usage);
    return;
  }
  const model = await startScriptedModel(options);
  process.stdout.write(`The scripted model listens on ${model.url}\n`);
  process.stdout.write(`  ANTHROPIC_BASE_URL=${model.url} ANTHROPIC_API_KEY=any\n`);
  process.stdout.write(`  A prompt for it: ${script([{ text: "Hello!" }])}\n`);
  const stop = (): void => void model.close();
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\nSee --help.\n`);
  process.exitCode = 1;
});
