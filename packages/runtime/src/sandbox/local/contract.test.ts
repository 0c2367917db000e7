import { execFileSync } from "node:child_process";
import { contractTests, contractTestsAsOrdinaryUser } from "../testing/contract-tests.ts";
import { hostSubject } from "../testing/host-subject.ts";
import { currentUser } from "../testing/provider-results.ts";

const version = execFileSync("bwrap", ["--version"], { encoding: "utf8" }).trim();
const { subject, end } = hostSubject("local");

contractTests({ provider: "local", user: currentUser(), version }, subject, end);
contractTestsAsOrdinaryUser({ provider: "local", user: "ordinary user", version });
