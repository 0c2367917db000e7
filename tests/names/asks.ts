import { fieldsOf, tested, testsIn, valuesOf, type Row } from "./row.ts";

const answers = testsIn("tests/asks/answers.test.ts");
const kinds = testsIn("tests/asks/kinds.test.ts");
const survival = testsIn("tests/asks/survival.test.ts");
const sleep = testsIn("tests/asks/sleep.test.ts");
const inRunner = testsIn("packages/runner/src/claude-agent-sdk/asks/asks.test.ts");
const entries = testsIn("packages/runtime/src/session/ask-entries.test.ts");

const asked = answers(
  "a permission is asked in state and log, answered once, by one who may, with what fits; then the tool runs once",
);
const decided = answers("deny with a reason, another input, and allow for the session, which a new sandbox knows too");
const each = kinds(
  "a question, a plan, an MCP server's elicitation and a subagent's permission, each answered by REST",
);
const hooked = kinds("onAsk answers in people's place, or leaves it to them; a session in memory answers too");
const survived = survival(
  "a pending approval survives two kills of the server and the sandbox's sleep; another client answers, and the tool has its effect once",
);
const expired = survival(
  "asks expire where nobody answers: in a running turn, and while the sandbox sleeps and the server is down",
);
const ruled = entries(
  "when an ask expires, what counts then and who answers is the profile's word, whatever the runner says",
);
const stays = sleep(
  "two calls that wait keep their sandbox, however idle; one that is left does so until its sibling has a result",
);
const interrupted = sleep(
  "an interrupt ends a turn that sleeps: its ask is withdrawn, and the next message goes on in a new sandbox",
);
const rules = inRunner(
  "rules without a mode: what asks is asked, what is denied is refused, all else is done; each answer",
);

const words: Row[] = [
  ...tested("field", fieldsOf("OpenedAsk", "askId conversationId kind prompt toolUseId details"), asked),
  ...tested("field", ["OpenedAsk.rule"], decided),
  ...tested(
    "field",
    fieldsOf("Ask", "askId conversationId kind prompt toolUseId details openedAt answerableBy"),
    asked,
  ),
  ...tested("field", ["Ask.rule"], decided),
  ...tested("field", fieldsOf("Ask", "expiresAt default"), ruled),
  ...tested(
    "field",
    ["Ask.truncated"],
    testsIn("packages/protocol/src/reducer/each-block.test.ts")("an ask is cut as blocks are, and says so"),
  ),
  ...tested("value", valuesOf("AskKind", "permission question plan elicitation"), each),
  ...tested("variant", ["AskAnswer:allow", "AskAnswer:deny"], decided),
  ...tested("field", fieldsOf("AskAnswer:allow", "scope input"), decided),
  ...tested("value", valuesOf("AskAnswer:allow.scope", "session"), decided),
  ...tested("value", valuesOf("AskAnswer:allow.scope", "once"), each),
  ...tested("field", fieldsOf("AskAnswer:allow", "answers content"), each),
  ...tested("field", ["AskAnswer:deny.reason"], decided),
  ...tested("field", fieldsOf("ResolvedAsk", "success sessionId askId answer by"), asked),
  ...tested("field", ["SessionState.asks"], asked),
  ...tested("field", ["SessionState.allowedTools"], decided),
  ...tested("field", ["TurnState.deferred"], survived),
];

const profile: Row[] = [
  ...tested("field", ["AgentProfile.asks", "AskRules.answerableBy"], asked),
  ...tested("field", fieldsOf("AskRules", "expiresAfterMs onExpiry"), expired),
  ...tested("value", valuesOf("AskRules.onExpiry", "allow deny"), expired),
  ...tested("field", ["AgentProfile.permissions", ...fieldsOf("PermissionRules", "allow ask deny")], rules),
];

const ways: Row[] = [
  ...tested("route", ["POST /sessions/{id}/asks/{askId}/answer"], asked),
  ...tested("error code", ["ask_not_found", "ask_resolved"], asked),
  ...tested("variant", ["ClientFrame:session:answer"], survived),
  ...tested("field", fieldsOf("ClientFrame:session:answer", "id data data.sessionId data.askId data.answer"), survived),
  ...tested("option", ["createAgentRuntime.onAsk"], hooked),
  ...tested("method", ["session.answer"], hooked),
  ...tested(
    "method",
    ["client.answerAsk"],
    testsIn("packages/client/src/client.test.ts")("every method calls its route"),
  ),
  ...tested("event", ["session:ask:opened", "session:ask:resolved"], asked),
  ...tested(
    "event field",
    [
      ...fieldsOf("session:ask:opened", "sessionId ask"),
      ...fieldsOf("session:ask:resolved", "sessionId askId answer by"),
    ],
    asked,
  ),
  ...tested("event", ["session:turn:deferred", "session:turn:continued"], survived),
  ...tested(
    "event field",
    [
      ...fieldsOf("session:turn:deferred", "sessionId turnId"),
      ...fieldsOf("session:turn:continued", "sessionId turnId"),
    ],
    survived,
  ),
];

const wire: Row[] = [
  ...tested("variant", ["CommandBody:answer", "EntryBody:ask:opened"], asked),
  ...tested("variant", ["EntryBody:ask:withdrawn"], interrupted),
  ...tested("variant", ["CommandBody:defer", "CommandBody:continue", "EntryBody:turn:deferred"], survived),
  ...tested("field", fieldsOf("DeferReport", "deferred reason"), stays),
];

const behaviour: Row[] = [
  ...tested(
    "behaviour",
    ["an answer that was kept reaches the agent"],
    survival("an answer that was kept reaches the agent, wherever the server dies after it"),
  ),
];

export const askRows: readonly Row[] = [...words, ...profile, ...ways, ...wire, ...behaviour];
