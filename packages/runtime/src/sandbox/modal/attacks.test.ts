import { isolationSubject } from "../testing/isolation-subject.ts";
import { isolationTests, isolationTestsAsOrdinaryUser } from "../testing/isolation-tests.ts";
import { currentUser } from "../testing/provider-results.ts";

const version = "modal 0.11.1, the double";
const { subject, end } = await isolationSubject("modal");

isolationTests({ provider: "modal", user: currentUser(), version }, subject, end);
isolationTestsAsOrdinaryUser({ provider: "modal", user: "ordinary user", version });
