import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "long",
    maxWorkers: 2,
    reporters: ["default", "./scripts/test-report.ts"],
    globalSetup: ["./scripts/vitest-setup.ts"],
    setupFiles: ["./scripts/test-patience.ts"],
    expect: { poll: { timeout: 20_000 } },
    include: [
      "packages/**/*.long.test.ts",
      "apps/**/*.long.test.ts",
      "tests/**/*.long.test.ts",
      "bench/**/*.long.test.ts",
    ],
    exclude: ["**/node_modules/**", "**/dist/**"],
    passWithNoTests: true,
    testTimeout: 900_000,
    hookTimeout: 300_000,
  },
});
