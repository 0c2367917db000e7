import * as at from "./files.ts";
import { fieldsOf, tested, testsIn, type Row } from "./row.ts";

const folder = testsIn("packages/runtime/src/profiles/profile-folder.test.ts");
const versions = testsIn("tests/profiles-sources/versions.test.ts");
const kept = versions(
  "a session keeps the profile that it began with, over a restart too, until it is moved to the newest",
);
const changed = testsIn("tests/profiles-sources/rest.test.ts")(
  "a profile is made, read, listed, changed and removed; a session keeps what it began with",
);
const served = at.server("--profiles are those of a folder beside the others, as it is at the moment");
const bound = at.server("--bound-secrets goes on to the runtime, which refuses a host that is none");
const read = folder("a folder in the layout of the ecosystem is a profile, every part of it");

/** Where profiles come from. */
export const profileSourceRows: readonly Row[] = [
  ...tested("flag", ["--profiles"], served),
  ...tested("variable", ["AGENT_RUNTIME_PROFILES"], at.settings("%s")),
  ...tested("option", ["createAgentRuntime.profiles"], served),
  ...tested("export", ["profileFolder", "ProfileSource", "ProfileLog"], read),
  ...tested("event", ["session:profile:update"], kept),
  ...tested(
    "event field",
    ["session:created.profileVersion", "session:profile:update.sessionId", "session:profile:update.profileVersion"],
    kept,
  ),
  ...tested("field", ["SessionState.profileVersion"], kept),
  ...tested(
    "field",
    fieldsOf("UpdateOptionsBody", "model effort limits profileVersion"),
    versions("where it cannot be moved it stays, and why is said"),
  ),
  ...tested(
    "route",
    ["POST /agent-profiles", "GET /agent-profiles/{id}", "PUT /agent-profiles/{id}", "DELETE /agent-profiles/{id}"],
    changed,
  ),
  ...tested("field", fieldsOf("AgentProfileAnswer", "profile version"), changed),
  ...tested(
    "field",
    ["AgentProfileAnswer.readOnly"],
    testsIn("tests/profiles-sources/rest.test.ts")("one that cannot be changed here says why when it is read"),
  ),
  ...tested("method", ["persistence.profiles"], changed),
  ...tested("flag", ["--bound-secrets"], bound),
  ...tested("variable", ["AGENT_RUNTIME_BOUND_SECRETS"], at.settings("%s")),
  ...tested("option", ["createAgentRuntime.boundSecrets"], bound),
  ...tested(
    "export",
    ["BoundSecrets"],
    testsIn("packages/runtime/src/profiles/profile-secrets.test.ts")(
      "a bound secret goes to no other host, whoever named it; one that is not bound goes where its profile says",
    ),
  ),
  ...tested("error code", ["invalid_profile"], folder("%s does not lead out of it")),
];
