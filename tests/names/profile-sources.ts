import * as at from "./files.ts";
import { tested, testsIn, type Row } from "./row.ts";

const folder = testsIn("packages/runtime/src/profiles/profile-folder.test.ts");
const served = at.server("--profiles are those of a folder beside the others, as it is at the moment");
const read = folder("a folder in the layout of the ecosystem is a profile, every part of it");

/** Where profiles come from. */
export const profileSourceRows: readonly Row[] = [
  ...tested("flag", ["--profiles"], served),
  ...tested("variable", ["AGENT_RUNTIME_PROFILES"], at.settings("%s")),
  ...tested("option", ["createAgentRuntime.profiles"], served),
  ...tested("export", ["profileFolder", "ProfileSource", "ProfileLog"], read),
  ...tested("error code", ["invalid_profile"], folder("%s does not lead out of it")),
];
