import { test } from "vitest";
import { contractTests, contractTestsAsOrdinaryUser } from "../testing/contract-tests.ts";
import { currentUser } from "../testing/provider-results.ts";
import { dockerSubject } from "./testing/docker-subject.ts";
import { testEngine } from "./testing/test-engine.ts";

/** The group that may speak to the tests' engine. */
const ENGINE_GROUP = 59_878;

const engine = await testEngine();
if (typeof engine === "string") {
  test("the sandbox contract on a Docker engine", ({ skip }) => skip(engine));
} else {
  const version = `Docker ${engine.version}`;
  const { subject, end } = await dockerSubject(engine);
  contractTests({ provider: "docker", user: currentUser(), version }, subject, end);
  contractTestsAsOrdinaryUser(
    { provider: "docker", user: "ordinary user", version },
    { arguments: [engine.host, engine.image], gid: ENGINE_GROUP },
  );
}
