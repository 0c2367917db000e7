import { contractTests, contractTestsAsOrdinaryUser } from "../testing/contract-tests.ts";
import { currentUser } from "../testing/provider-results.ts";
import { modalSubject } from "./testing/modal-subject.ts";

const version = "modal 0.11.1, the double";
const { subject, end } = await modalSubject();

contractTests({ provider: "modal", user: currentUser(), version }, subject, end);
contractTestsAsOrdinaryUser({ provider: "modal", user: "ordinary user", version });
