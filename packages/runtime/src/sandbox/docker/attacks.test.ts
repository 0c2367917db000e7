import { test } from "vitest";
import { isolationSubject } from "../testing/isolation-subject.ts";
import { isolationTests, isolationTestsAsOrdinaryUser } from "../testing/isolation-tests.ts";
import { currentUser } from "../testing/provider-results.ts";
import { testEngine } from "./testing/test-engine.ts";

/** The group that may speak to the tests' engine. */
const ENGINE_GROUP = 59_878;

const engine = await testEngine();
if (typeof engine === "string") {
  test("the isolation suite on a Docker engine", ({ skip }) => skip(engine));
} else {
  const version = `Docker ${engine.version}`;
  const { subject, end } = await isolationSubject("docker", engine);
  isolationTests({ provider: "docker", user: currentUser(), version }, subject, end);
  isolationTestsAsOrdinaryUser(
    { provider: "docker", user: "ordinary user", version },
    { arguments: [engine.host, engine.image], gid: ENGINE_GROUP },
  );
}
