import { versionOf } from "../testing/host-subject.ts";
import { isolationSubject } from "../testing/isolation-subject.ts";
import { isolationTests, isolationTestsAsOrdinaryUser } from "../testing/isolation-tests.ts";
import { currentUser } from "../testing/provider-results.ts";

const version = versionOf("bwrap");
const { subject, end } = await isolationSubject("local");

isolationTests({ provider: "local", user: currentUser(), version }, subject, end);
isolationTestsAsOrdinaryUser({ provider: "local", user: "ordinary user", version });
