import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { localSandbox } from "../local/index.ts";
import { unsafeProcessSandbox } from "../unsafe-process/index.ts";
import { environmentScene, type EnvironmentScene } from "./testing/environment-scene.ts";

let scene: EnvironmentScene;
beforeAll(async () => {
  scene = await environmentScene();
  await mkdir(scene.dataDir);
  await scene.registry.publish({
    npm: [
      {
        name: "greeter",
        version: "1.2.0",
        manifest: { main: "index.js", bin: { greet: "bin/greet.js" }, dependencies: { words: "^1.0.0" } },
        files: {
          "index.js": "exports.greeting = require('words').hello + ' from npm';",
          "bin/greet.js": "#!/usr/bin/env node\nconsole.log(require('../index.js').greeting);\n",
        },
      },
      { name: "words", version: "1.0.3", files: { "index.js": "exports.hello = 'hello';" } },
    ],
    wheels: [
      {
        name: "greeterpy",
        version: "2.0.0",
        files: { "greeterpy/__init__.py": "import wordspy\ndef main():\n    print(wordspy.HELLO + ' from pip')\n" },
        scripts: ["greet-py = greeterpy:main"],
        requires: ["wordspy>=1"],
      },
      { name: "wordspy", version: "1.1.0", files: { "wordspy/__init__.py": "HELLO = 'hello'\n" } },
    ],
  });
});
afterAll(() => scene[Symbol.asyncDispose]());

const providers = { local: localSandbox, "unsafe-process": unsafeProcessSandbox };

describe.each(Object.entries(providers))("%s", (_, make) => {
  test("npm and pip packages, with what they need, are there for every program, and cannot be changed", async () => {
    const provider = make({ dataDir: scene.dataDir, pollMs: 20 });
    const install = scene.wants({ npm: ["greeter@^1.0.0"], pip: ["greeterpy==2.0.0"] });
    const inside = await scene.enter(provider, install);
    expect(await inside.shell("greet && greet-py")).toBe("hello from npm\nhello from pip\n");
    expect(await inside.shell(`node -e "console.log(require('greeter').greeting)"`)).toBe("hello from npm\n");
    expect(
      await inside.shell(
        `mkdir -p sub && echo "import g from 'greeter'; console.log(g.greeting)" > sub/a.mjs && node sub/a.mjs`,
      ),
    ).toBe("hello from npm\n");
    expect(await inside.shell(`python3 -c "import greeterpy; greeterpy.main()"`)).toBe("hello from pip\n");
  });
});
