import { foundingServerTests } from "../testing/founding-server-tests.ts";
import { memoryPersistence, sharedMemory } from "./index.ts";

foundingServerTests("memory", async () => {
  const memory = sharedMemory();
  return {
    adapter: () => memoryPersistence({ memory }),
    tables: async () => ({ "events and all else": memory.size }),
    end: async () => undefined,
  };
});
