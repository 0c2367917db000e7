import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { promisify } from "node:util";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runInThisContext } from "node:vm";
import type * as Kit from "@hhopkins/agent-runtime-react";
import type * as ReactModule from "react";
import type { ReactNode } from "react";
import type * as Client from "react-dom/client";
import type * as Server from "react-dom/server";

const ESBUILD = createRequire(import.meta.url).resolve("esbuild/bin/esbuild");

/** Our package on one version of React, as a bundler puts them together. */
export interface Lab {
  readonly React: typeof ReactModule;
  readonly createRoot: typeof Client.createRoot;
  readonly hydrateRoot: typeof Client.hydrateRoot;
  readonly renderToString: typeof Server.renderToString;
  readonly kit: typeof Kit;
}

/** Whoever runs the tests finds both in `tests/package.json`; every import of React becomes the wanted one. */
const ALIASES = {
  18: ["--alias:react=react-18", "--alias:react-dom=react-dom-18"],
  19: [],
} as const;

export type ReactVersion = keyof typeof ALIASES;

/** In a process of its own: esbuild does not run where a document is. */
export async function openLab(version: ReactVersion): Promise<Lab> {
  const folder = await mkdtemp(join(tmpdir(), "react-lab-"));
  const file = join(folder, "lab.js");
  const flags = [
    "--bundle",
    "--format=iife",
    "--global-name=lab",
    "--platform=browser",
    "--target=es2022",
    "--log-level=error",
  ];
  const development = '--define:process.env.NODE_ENV="development"';
  try {
    await promisify(execFile)(
      process.execPath,
      [ESBUILD, "react/testing/lab-entry.js", ...flags, development, ...ALIASES[version], `--outfile=${file}`],
      { cwd: join(import.meta.dirname, "../..") },
    );
    return runInThisContext(`${await readFile(file, "utf8")};lab`) as Lab;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export interface Mounted {
  readonly container: HTMLElement;
  render(node: ReactNode): void;
  unmount(): void;
}

/** Renders into a new element of the document; in StrictMode unless told otherwise. */
export function mount({ React, createRoot }: Lab, node: ReactNode, { isStrict = true } = {}): Mounted {
  const container = document.body.appendChild(document.createElement("div"));
  const root = createRoot(container);
  const render = (next: ReactNode): void =>
    root.render(isStrict ? React.createElement(React.StrictMode, null, next) : next);
  render(node);
  return {
    container,
    render,
    unmount() {
      root.unmount();
      container.remove();
    },
  };
}
