import * as at from "./files.ts";
import { tested, type Row, type TestReference } from "./row.ts";

const runtime = "@hhopkins/agent-runtime";
const again = at.doubleSandboxes("is found by its id and by its name, from another client, and has kept its files");
const option = (name: string, test: TestReference): Row[] => tested("option", [`startModalDouble.${name}`], test);
const method = (name: string, test: TestReference): Row[] => tested("method", [`modalDoubleControl.${name}`], test);

const unavailable = at.doubleFaults("UNAVAILABLE for some calls: the SDK tries again, and it passes");

export const modalDoubleRows: readonly Row[] = [
  ...tested("entry point", [`${runtime}-testkit/modal-double`], again),
  ...tested("export", ["startModalDouble"], again),
  ...tested(
    "command",
    ["agent-runtime-modal-double"],
    at.doubleCommand("serves until SIGTERM, and takes everything with it; as user %s"),
  ),
  ...option("port", at.doubleCommand("a taken port")),
  ...option("tokenId", at.doubleFaults("a token pair that is taken back, and given again")),
  ...option("tokenSecret", at.doubleFaults("a token pair that is taken back, and given again")),
  ...option(
    "packages",
    at.doubleImages("npm packages of this machine are installed without a registry, at the version that is there"),
  ),
  ...option(
    "buildNetwork",
    at.doubleImages("a build reaches a registry on loopback when it was told to, a sandbox never does"),
  ),
  ...option("uid", at.doubleSandboxes("is an ordinary user's, when the double is")),
  ...method("inject", unavailable),
  ...method("clear", at.doubleFaults("the whole cloud away, and back")),
  ...method("vanish", at.doubleFaults("is not found by anything, and its streams break for good")),
  ...method("breakStreams", at.doubleFaults("all that are open, at once")),
  ...method("revokeCredentials", at.doubleFaults("a token pair that is taken back, and given again")),
  ...method(
    "setTokenLifetime",
    at.doubleFaults("tokens that have expired: the SDK gets new ones, for calls and for a sandbox's router"),
  ),
  ...method(
    "report",
    at.doubleSandboxes("has no network, whatever it was allowed; what was asked for is in the report"),
  ),
];
