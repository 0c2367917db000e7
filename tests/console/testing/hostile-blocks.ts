import type { ConversationBlock, EventDraft } from "@hhopkins/agent-runtime-protocol";
import { blockOf, saidBlocks } from "./seeded-session.ts";

/** Asked for by whoever falls for it; nothing listens there. */
export const ELSEWHERE = "http://elsewhere.example";
/** Sets a mark in the page that runs it. */
const RUN = "globalThis.ran=1";

/** What an agent, or what it reads, may say to get at whoever reads the page. */
export const PAYLOADS: readonly string[] = [
  `<script>${RUN}</script>`,
  `<img src=x onerror="${RUN}">`,
  `<img src="${ELSEWHERE}/pixel.png">`,
  `<svg onload="${RUN}"><script>${RUN}</script><image href="${ELSEWHERE}/svg.png"/></svg>`,
  `<iframe srcdoc="<script>parent.ran=1</script>"></iframe>`,
  `<iframe src="javascript:parent.ran=1"></iframe>`,
  `<object data="${ELSEWHERE}/object"></object><embed src="${ELSEWHERE}/embed">`,
  `<base href="${ELSEWHERE}/"><link rel="stylesheet" href="${ELSEWHERE}/x.css"><meta http-equiv="refresh" content="0;url=${ELSEWHERE}">`,
  `<style>@import "${ELSEWHERE}/style.css"; body{display:none}</style>`,
  `<form action="${ELSEWHERE}/form"><input name=key><button formaction="javascript:${RUN}">go</button></form>`,
  `<a href="javascript:${RUN}">raw link</a><details open ontoggle="${RUN}">x</details>`,
  `<math><mtext></table><mglyph><style><img src=x onerror=${RUN}></style></mglyph></mtext></math>`,
  `<video><source onerror="${RUN}"></video><audio src=x onerror="${RUN}"></audio><input autofocus onfocus="${RUN}">`,
  `<!--><script>${RUN}</script>-->`,
  `![pixel](${ELSEWHERE}/markdown.png)`,
  `![svg](data:image/svg+xml;base64,PHN2ZyB4bWxucz0naHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmcnIG9ubG9hZD0ncGFyZW50LnJhbj0xJy8+)`,
  `![breaks out](x" onerror="${RUN})`,
  `[![linked](${ELSEWHERE}/linked.png)](javascript:${RUN})`,
  `![ref][r]\n\n[r]: ${ELSEWHERE}/reference.png`,
  `[click](javascript:${RUN})`,
  `[click](JaVaScRiPt:${RUN})`,
  `[click](&#106;avascript:${RUN})`,
  `[click](java&#x09;script:${RUN})`,
  `[click](data:text/html,<script>${RUN}</script>)`,
  `[click](vbscript:${RUN})`,
  `[click](//elsewhere.example/x)`,
  `[title](https://example.com "x\\" onmouseover=\\"${RUN}")`,
  `<javascript:${RUN}>`,
  `[bidi \u202Eexe.cod\u202C](https://example.com/\u202Egnp.exe)`,
  `| a |\n|---|\n| <script>${RUN}</script> ![x](${ELSEWHERE}/cell.png) |`,
  `- <img src=x onerror=${RUN}>\n  > [x](javascript:${RUN})`,
  `\`\`\`html"><script>${RUN}</script>\n<script>${RUN}</script>\n\`\`\``,
  `\`\`\`js\nconst a = "</code></pre><script>${RUN}</script>";\n\`\`\``,
  `# <script>${RUN}</script>\n\n**<img src=x onerror=${RUN}>**`,
  "__proto__ constructor toString [x][__proto__] [y][constructor] ![z][toString]",
  `${"> ".repeat(3000)}deep`,
  `${"[".repeat(5000)}x${"](".repeat(5000)}`,
  "*a_".repeat(4000),
  `${"- ".repeat(1500)}deep list`,
  "x".repeat(15_000),
  "\u001b[31mred\u001b[0m \u001b]8;;javascript:ran=1\u0007link\u001b]8;;\u0007 \u0000\u0007\ufffe\ud800",
  `${"a\u0301".repeat(500)}${"\u0489".repeat(500)}`,
];

/** Every kind of block, with each of them where it has text. */
export function hostileConversation(sessionId: string): EventDraft[] {
  const texts = PAYLOADS.map((content, index) => blockOf("assistant_text", `text-${index}`, { content }));
  const everything = PAYLOADS.filter((payload) => payload.length < 1000).join("\n");
  const name = `<img src=x onerror=${RUN}>\u202Egnp.exe\u200B`;
  const blocks: ConversationBlock[] = [
    blockOf("user_message", "user", {
      content: everything,
      attachments: [{ name: `<b>\u202Egnp.exe`, mediaType: "text/html", size: 5, sha256: "0".repeat(64) }],
    }),
    ...texts,
    blockOf("thinking", "thinking", { content: everything }),
    ...tools(name, everything),
    blockOf("system", "system", { content: everything, subtype: name }),
    blockOf("error", "error", { message: everything, code: name }),
    blockOf("subagent", "subagent", {
      subagentId: "sub",
      name,
      status: "completed",
      input: everything,
      output: everything,
    }),
    { type: "from_the_future", id: "future", timestamp: "2026-11-20T09:00:00.000Z", html: everything } as never,
    blockOf("assistant_text", "end", { content: "the end of it" }),
  ];
  return [
    {
      type: "session:subagent:discovered",
      data: { sessionId, subagent: { id: "sub", name, status: "running", parentId: "main" } },
    },
    ...saidBlocks(sessionId, [blockOf("assistant_text", "sub-text", { content: everything })], "sub"),
    {
      type: "session:subagent:completed",
      data: { sessionId, subagentId: "sub", status: "completed", output: everything },
    },
    ...saidBlocks(sessionId, blocks),
  ];
}

function tools(name: string, text: string): ConversationBlock[] {
  const inputs: readonly [toolName: string, input: Record<string, unknown>][] = [
    ["Write", { file_path: `/workspace/${name}.html`, content: text }],
    ["Edit", { file_path: `/workspace/${name}`, old_string: text, new_string: `${text}!` }],
    ["Bash", { command: text, description: text }],
    ["Read", { file_path: `javascript:${RUN}` }],
    ["TodoWrite", { todos: [{ content: text, status: name }] }],
    ["TodoWrite", { todos: { length: 5 } }],
    ["MultiEdit", { file_path: 7, edits: [null, { old_string: {} }] }],
    [`mcp__${name}__${name}`, { __proto__: null, html: text, toString: text }],
  ];
  return inputs.flatMap(([toolName, input], index) => [
    blockOf("tool_use", `use-${index}`, {
      toolName,
      toolUseId: `call-${index}`,
      status: "error",
      input,
      progress: text,
    }),
    blockOf("tool_result", `result-${index}`, { toolUseId: `call-${index}`, content: text, isError: true }),
  ]);
}
