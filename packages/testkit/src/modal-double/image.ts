import type { Variables } from "./secrets.ts";
import type { Tree } from "./tree.ts";

/** What sandboxes start from. */
export interface Image {
  readonly id: string;
  readonly tree: Tree;
  readonly environment: Variables;
  readonly workdir: string;
}
