// Answers what an agent asks, from wherever it is: node approve.ts URL SESSION allow, or "no, because …"
import { createAgentClient } from "@hhopkins/agent-runtime-client";

const [baseUrl = "", sessionId = "", word = ""] = process.argv.slice(2);
const client = createAgentClient({ baseUrl, apiKey: "my-key" });

const { asks } = await client.getSession(sessionId);
for (const { askId, prompt } of asks) {
  console.log(prompt);
  if (word === "") continue;
  const answer = word === "allow" ? { decision: "allow" as const } : { decision: "deny" as const, reason: word };
  const { by } = await client.answerAsk(sessionId, askId, answer);
  console.log(`${answer.decision} by ${by}`);
}
