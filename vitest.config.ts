import { defineConfig } from "vitest/config";
import { LongFirst } from "./scripts/test-order.ts";

const shared = {
  // Conditions are waited for as long as a busy machine needs: see scripts/test-patience.ts.
  setupFiles: ["./scripts/test-patience.ts"],
  expect: { poll: { timeout: 20_000 } },
  // Files of one worker share their modules, which would be loaded anew for each: a test leaves no trace in them.
  isolate: false,
  exclude: ["**/node_modules/**", "**/dist/**", "**/*.long.test.ts"],
};

// Projects: quick tests beside the code, and tests across packages that start servers, harnesses, browsers.
// `vitest.long.config.ts` has the ones that take too long for every run.
export default defineConfig({
  test: {
    // Most tests wait for processes that they start: three workers keep two cores busy.
    maxWorkers: 3,
    reporters: ["default", "./scripts/test-report.ts"],
    globalSetup: ["./scripts/vitest-setup.ts"],
    sequence: { sequencer: LongFirst },
    projects: [
      {
        test: {
          ...shared,
          name: "unit",
          include: ["packages/*/src/**/*.test.ts", "apps/*/src/**/*.test.ts"],
          testTimeout: 90_000,
          hookTimeout: 90_000,
        },
      },
      {
        test: {
          ...shared,
          name: "across",
          include: ["tests/**/*.test.ts", "examples/**/*.test.ts", "bench/**/*.test.ts"],
          exclude: [...shared.exclude, "tests/react/**"],
          testTimeout: 240_000,
          hookTimeout: 240_000,
        },
      },
      {
        test: {
          ...shared,
          name: "react",
          // These put a page's globals into the worker, which what an earlier file left running would meet.
          isolate: true,
          include: ["tests/react/**/*.test.ts"],
          testTimeout: 240_000,
          hookTimeout: 240_000,
        },
      },
    ],
  },
});
