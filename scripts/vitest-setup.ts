import { bundle } from "./bundle.mjs";
import { fillCompileCache } from "./compile-cache.ts";
import { offerDockerEngine } from "./docker-engine.ts";
import { offerDatabases } from "./test-databases.ts";

/** Tests that start a runner or a page must see today's source, also when vitest is called directly. */
export default async function setup(): Promise<() => Promise<void>> {
  await bundle();
  fillCompileCache();
  const ends = [await offerDockerEngine(), await offerDatabases()];
  return async () => {
    for (const end of ends) await end();
  };
}
