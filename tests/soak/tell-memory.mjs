// Loaded into the server before its own code: on SIGUSR2 it collects garbage and writes what is left to the file that
// SOAK_MEMORY names, for RSS also has what V8 has not yet given back.
import { renameSync, writeFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const file = process.env.SOAK_MEMORY;
delete process.env.SOAK_MEMORY;
if (file !== undefined) {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc");
  process.on("SIGUSR2", () => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    writeFileSync(`${file}.new`, `${heapUsed + external}`);
    renameSync(`${file}.new`, file);
  });
}
