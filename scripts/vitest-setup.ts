import { bundle } from "./bundle.mjs";
import { offerDockerEngine } from "./docker-engine.ts";
import { makeRunFolder } from "./run-folder.ts";
import { offerDatabases } from "./test-databases.ts";
import { makeCommand } from "./test-command.ts";

/** Tests that start a runner, a server or a page must see today's source, also when vitest is called directly. */
export default async function setup(): Promise<() => Promise<void>> {
  await bundle();
  await makeCommand();
  const removeFolder = makeRunFolder();
  const ends = [await offerDockerEngine(), await offerDatabases()];
  return async () => {
    for (const end of ends) await end();
    removeFolder();
  };
}
