import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { EnvironmentSpec } from "../port.ts";

/** Where packages come from. */
export interface Registries {
  /** URL of the npm registry. Default: `https://registry.npmjs.org/`. */
  readonly npm?: string;
  /** URL of the Python index. Default: `https://pypi.org/simple/`. */
  readonly pip?: string;
  /** More hosts that installations may reach, written as `network.allowedHosts`, e.g. `nodejs.org`. */
  readonly hosts?: readonly string[];
}

const NPM = "https://registry.npmjs.org/";
const PIP = "https://pypi.org/simple/";
/** The public index has its files elsewhere. */
const PIP_FILES = "files.pythonhosted.org";

/** URLs of the registries, and the hosts that they make an installation reach. Throws `invalid_configuration`. */
export function registriesFrom(options: Registries = {}): {
  readonly urls: EnvironmentSpec["registries"];
  readonly hosts: readonly string[];
} {
  const npm = registryUrl("npm", options.npm ?? NPM);
  const pip = registryUrl("pip", options.pip ?? PIP);
  const files = pip.hostname === "pypi.org" ? [PIP_FILES] : [];
  return {
    urls: { npm: npm.href, pip: pip.href },
    hosts: [...new Set([placeOf(npm), placeOf(pip), ...files, ...(options.hosts ?? [])])],
  };
}

function registryUrl(name: "npm" | "pip", text: string): URL {
  const field = `registries.${name}`;
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new RuntimeError("invalid_configuration", `createAgentRuntime: ${field} must be an http or https URL.`, {
      field,
    });
  }
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") {
    throw new RuntimeError(
      "invalid_configuration",
      `createAgentRuntime: ${field} must be without user and password: every installed package could read them.`,
      { field },
    );
  }
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}

/** With its port: so a registry of one's own may have a private address. */
function placeOf(url: URL): string {
  if (url.port !== "") return url.host;
  return `${url.hostname}:${url.protocol === "https:" ? 443 : 80}`;
}
