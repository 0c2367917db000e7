import type { NpmPackage, Wheel } from "./registry.ts";

/** A package of each kind, with a program, that needs another one. */
export const GREETERS: { readonly npm: readonly NpmPackage[]; readonly wheels: readonly Wheel[] } = {
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
};
