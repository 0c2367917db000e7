import { contractTests, contractTestsAsOrdinaryUser } from "../testing/contract-tests.ts";
import { hostSubject, versionOf } from "../testing/host-subject.ts";
import { currentUser } from "../testing/provider-results.ts";

const version = versionOf("bwrap");
const { subject, end } = hostSubject("local");

contractTests({ provider: "local", user: currentUser(), version }, subject, end);
contractTestsAsOrdinaryUser({ provider: "local", user: "ordinary user", version });
