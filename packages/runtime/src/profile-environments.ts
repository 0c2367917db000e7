import { RuntimeError, type AgentProfile } from "@hhopkins/agent-runtime-protocol";
import { runnerBundlePath } from "@hhopkins/agent-runtime-runner/manifest";
import { randomUUID } from "node:crypto";
import { createGateway } from "./gateway/index.ts";
import type { Logger } from "./logger.ts";
import { npmPackage } from "./sandbox/environments/npm-package.ts";
import { profileEnvironment } from "./sandbox/environments/profile-environment.ts";
import { registriesFrom, type Registries } from "./sandbox/environments/registries.ts";
import type { EnvironmentSpec } from "./sandbox/port.ts";

/** What profiles want installed, and the way of installations to the registries. */
export interface ProfileEnvironments {
  /** undefined: the profile wants nothing. Throws `environment_failed`, `missing_dependency`. */
  of(profile: AgentProfile): Promise<EnvironmentSpec | undefined>;
  close(): Promise<void>;
}

/** `places`: where packages of the application are looked up. Throws `invalid_configuration`. */
export function profileEnvironments(
  registries: Registries | undefined,
  { log, places }: { log: Logger; places: readonly string[] },
): ProfileEnvironments {
  const { urls, hosts } = registriesFrom(registries);
  // A gateway of its own: an installation reaches the registries, which no session does, and never a model.
  const gateway = createGateway({
    credentials: noCredential,
    log,
    list: INSTALL_HOSTS,
    onEgress: (_, place) => {
      if (place.allowed) log.debug({ ...place }, "an installation has reached a host");
      else log.info({ ...place }, "an installation was kept from a host");
    },
  });
  const token = `art_${randomUUID()}`;
  const session = { tenant: "default", sessionId: "installations" };
  const guest = gateway.register({ session, generation: 1, token }, { allowedHosts: hosts, secrets: [] });
  const proxy: EnvironmentSpec["proxy"] = { token, serve: (stream) => guest.handle(stream) };
  const installer = (): EnvironmentSpec["installer"] => ({
    bundle: runnerBundlePath(),
    packages: { npm: npmPackage(places) },
  });
  return {
    of: (profile) => profileEnvironment(profile, { registries: urls, installer, proxy }),
    close: () => gateway.close(),
  };
}

/** What refusals call the list of hosts that installations reach. */
const INSTALL_HOSTS = "hosts of registries (--registry-hosts, or registries.hosts)";

function noCredential(): never {
  throw new RuntimeError("model_auth_failed", "An installation has no model.");
}
