import { contractTests } from "../testing/contract-tests.ts";
import { hostSubject } from "../testing/host-subject.ts";
import { currentUser } from "../testing/provider-results.ts";

const version = "plain processes";
const { subject, end } = hostSubject("unsafe-process");

contractTests({ provider: "unsafe-process", user: currentUser(), version }, subject, end);
