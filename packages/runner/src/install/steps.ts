import { join } from "node:path";
import type { InstallRequest } from "./wire.ts";

/** Where things are for a step: absolute paths of the machine that runs it. */
export interface InstallPlace {
  /** The environment's folder. */
  readonly environment: string;
  /** How npm is started, e.g. `["npm"]`. */
  readonly npm: readonly string[];
}

/** One command of an installation. */
export interface InstallStep {
  /** For people: what it does. */
  readonly label: string;
  readonly command: readonly string[];
  readonly cwd: string;
}

const PYTHON = "python3";
const NO_PIP =
  "There is no pip for python3: install Debian's python3-pip (or your system's package of pip) where sandboxes get their programs from.";
const NO_PYTHON =
  "There is no python3: install Debian's python3 and python3-pip (or your system's packages) where sandboxes get their programs from.";

/** The commands that make an environment, in their order. Projects' files must lie in `projects/NAME` already. */
export function installSteps(request: InstallRequest, at: InstallPlace): readonly InstallStep[] {
  const { npm, pip, projects } = request;
  return [
    ...(npm.length > 0 ? [npmStep(request, at)] : []),
    // A project may want Python; it need not be there.
    ...(pip.length > 0 ? [pythonStep(at), pipStep(request, at)] : projects.length > 0 ? [pythonIfAny(at)] : []),
    ...projects.map(({ name, installCommand }) => ({
      label: `Installing the project ${name}`,
      command: ["sh", "-c", installCommand],
      cwd: join(at.environment, "projects", name),
    })),
  ];
}

/** Variables that npm and pip take their settings from, also where a project's command starts them. */
export function installVariables(request: InstallRequest): Record<string, string> {
  const index = new URL(request.registries.pip);
  return {
    CI: "1",
    npm_config_registry: request.registries.npm,
    npm_config_audit: "false",
    npm_config_fund: "false",
    npm_config_update_notifier: "false",
    PIP_INDEX_URL: request.registries.pip,
    PIP_CONFIG_FILE: "/dev/null",
    PIP_NO_INPUT: "1",
    PIP_DISABLE_PIP_VERSION_CHECK: "1",
    PIP_PROGRESS_BAR: "off",
    // pip asks an index without TLS only when it is told that it may.
    ...(index.protocol === "http:" ? { PIP_TRUSTED_HOST: index.host } : {}),
  };
}

function npmStep({ npm }: InstallRequest, at: InstallPlace): InstallStep {
  return {
    label: `Installing npm packages: ${some(npm)}`,
    command: [...at.npm, "install", "--prefix", at.environment, "--omit=dev", "--", ...npm],
    cwd: at.environment,
  };
}

function venv(at: InstallPlace): readonly string[] {
  return ["-m", "venv", "--without-pip", "--system-site-packages", join(at.environment, "python")];
}

function pythonStep(at: InstallPlace): InstallStep {
  const script = `command -v ${PYTHON} >/dev/null || { echo "${NO_PYTHON}" >&2; exit 1; }; exec ${PYTHON} "$@"`;
  return {
    label: "Making a Python environment",
    command: ["sh", "-c", script, "sh", ...venv(at)],
    cwd: at.environment,
  };
}

function pythonIfAny(at: InstallPlace): InstallStep {
  return {
    ...pythonStep(at),
    command: ["sh", "-c", `command -v ${PYTHON} >/dev/null || exit 0; exec ${PYTHON} "$@"`, "sh", ...venv(at)],
  };
}

/** With the system's pip, which a virtual environment sees, or with the one that Python itself brings. */
function pipStep({ pip }: InstallRequest, at: InstallPlace): InstallStep {
  const script = [
    `"$0" -c 'import pip' 2>/dev/null || "$0" -m ensurepip --default-pip >/dev/null 2>&1`,
    `|| { echo "${NO_PIP}" >&2; exit 1; }; exec "$0" -m pip install "$@"`,
  ].join(" ");
  const python = join(at.environment, "python", "bin", "python3");
  return {
    label: `Installing Python packages: ${some(pip)}`,
    // Also what the system has: the environment stands by itself.
    command: ["sh", "-c", script, python, "--ignore-installed", "--", ...pip],
    cwd: at.environment,
  };
}

const SHOWN = 5;

function some(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN).map((name) => name.slice(0, 60));
  const more = names.length - shown.length;
  return shown.join(", ") + (more > 0 ? ` and ${more} more` : "");
}
