import { bundle } from "./bundle.mjs";

/** Tests that start a runner or a page must see today's source, also when vitest is called directly. */
export default async function setup(): Promise<void> {
  await bundle();
}
