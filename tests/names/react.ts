import { fieldsOf, tested, testsIn, type Row, type TestReference } from "./row.ts";

const session = testsIn("tests/react/hooks.test.ts");
const live = testsIn("tests/react/live-hooks.test.ts");
const suspense = testsIn("tests/react/suspense.test.ts");
const rendering = testsIn("tests/react/rendering.test.ts");
const races = testsIn("tests/react/hook-races.test.ts");
const browser = testsIn("tests/react/browser.test.ts");
const parts = testsIn("tests/react/parts.test.ts");

const hook = (name: string, test: TestReference, results: string): Row[] => [
  ...tested("hook", [name], test),
  ...tested("hook result", fieldsOf(name, results), test),
];
const results = (name: string, fields: string, test: TestReference): Row[] =>
  tested("hook result", fieldsOf(name, fields), test);

const packed = testsIn("tests/founding-example/founding-example.test.ts")(
  "every entry point of the packed packages can be imported in plain Node",
);
const loads = session("loads and follows a session");
const changes = session("destroySession deletes it, syncSession saves it, updateSessionOptions changes it");
const blocks = session("has the blocks, with the text that is being written, and usage and cost");
const failed = session("a message that failed can be sent again, or dropped");
const older = session("brings older blocks, of subagents too");
const list = live("useSessionList is live, and refresh fetches it anew");
const more = live("useSessionList takes filters, and brings more pages");
const provider = live("apiUrl and wsUrl say where the server is, apiKey or getToken who asks");
const oneBlock = rendering("one delta renders one block of 500, and not the list");
const composer = parts("while a turn runs it says so; a message can wait, steer or interrupt");
const fields = parts("Enter sends, once, and empties the field; Shift+Enter and half-written characters do not");
const fetches = parts("useFileTree fetches what is too large for the state, and says where that fails");
const oneItem = parts("useConversationItem has one of useConversationItemIds, which stay the same while it changes");
const shows = parts("shows each block as it is told, and brings older ones to who scrolls up");

export const reactRows: readonly Row[] = [
  ...tested("entry point", ["@hhopkins/agent-runtime-react"], packed),
  ...tested("provider property", fieldsOf("AgentServiceProvider", "apiUrl wsUrl apiKey getToken children"), provider),
  ...tested(
    "provider property",
    ["AgentServiceProvider.debug"],
    live("useEvents has what arrives, and forgets it when told; debug tells the console too"),
  ),
  ...tested(
    "provider property",
    fieldsOf("SessionStateProvider", "sessionId state readBlocks children"),
    testsIn("tests/react/session-state-provider.test.ts")(
      "SessionStateProvider shows a given state to the hooks below it; nothing is followed or sent, and without one it is live",
    ),
  ),
  ...tested("hook", ["useAgentService"], live("without one above it a hook says so")),

  ...hook("useAgentSession", loads, "session runtime isLoading"),
  ...results(
    "useAgentSession",
    "error",
    session("what failed rejects and is shown, and is no unhandled fault of the page"),
  ),
  ...results(
    "useAgentSession",
    "createSession",
    session("creates a session, with all that one may say of it, and follows it"),
  ),
  ...results(
    "useAgentSession",
    "loadSession",
    session("loadSession fetches and follows another one, and another property brings that one back"),
  ),
  ...results("useAgentSession", "destroySession syncSession updateSessionOptions", changes),

  ...hook("useMessages", blocks, "blocks streamingBlockIds isStreaming metadata getBlock getBlocksByType"),
  ...results("useMessages", "error", session("says what stands in the way")),
  ...results(
    "useMessages",
    "sendMessage",
    session("the user's own message shows at once and is replaced by the server's"),
  ),
  ...results("useMessages", "retryMessage dropMessage", failed),
  ...results("useMessages", "hasOlder isLoadingOlder loadOlder", older),
  ...results(
    "useMessages",
    "olderError",
    session("says why older blocks did not come, until they are asked for again"),
  ),
  ...tested("option", ["useMessages.conversationId"], older),
  ...tested(
    "hook",
    ["useSuspenseSession"],
    suspense("useSuspenseSession shows the fallback until the state is there, for all hooks beside it, over one line"),
  ),
  ...tested("hook", ["useOlder"], shows),
  ...hook("useBlock", oneBlock, "block isStreaming"),
  ...tested("hook", ["useBlockIds"], oneBlock),
  ...tested(
    "hook",
    ["useSessionSelector"],
    rendering("a selector renders when what it takes has changed, and not else"),
  ),
  ...tested("hook", ["useSessionStore"], races("a message that is sent twice with one id is one")),

  ...hook("useSessionList", list, "sessions isLoading error refresh"),
  ...results("useSessionList", "hasMore loadMore", more),
  ...hook(
    "useWorkspaceFiles",
    live("useWorkspaceFiles has the files, and fetches what is too large for the state"),
    "files getFile readFile",
  ),
  ...hook("useSubagents", live("useSubagents has the subagents with their conversations"), "subagents getSubagent"),
  ...hook(
    "useEvents",
    live("useEvents has what arrives, and forgets it when told; debug tells the console too"),
    "events clearEvents",
  ),
  ...hook("useAsks", live("useAsks has what waits for an answer, and gives it"), "asks answerAsk isAnswering error"),
  ...hook(
    "useQueue",
    live("useQueue has what waits for its turn, and changes it"),
    "queue updateMessage withdrawMessage error",
  ),
  ...hook(
    "useTurn",
    live("useTurn has what the agent is doing, and interrupts it"),
    "turn lastTurn isRunning interrupt isInterrupting error",
  ),
  ...hook(
    "useConnection",
    live("useConnection says whether what is shown is what the server has, and reloads"),
    "status isLive error reload",
  ),

  ...tested("component property", fieldsOf("BlockList", "sessionId conversationId children"), shows),
  ...hook(
    "useAutoScroll",
    parts("useAutoScroll says whether the reader is at the end, and brings them there"),
    "isAtEnd scrollToEnd",
  ),
  ...results(
    "useAutoScroll",
    "ref",
    browser("the end stays in view while words come, unless the reader is further up; and again once they are back"),
  ),
  ...hook("useComposer", composer, "text setText canSend send isRunning interrupt"),
  ...results("useComposer", "inputProps", fields),
  ...results("useComposer", "formProps", parts("the form sends too; nothing goes without text")),
  ...hook(
    "useApproval",
    parts("useApproval has an ask and its answers, until it is answered"),
    "ask toolName input canAllowForSession allow allowForSession deny isAnswering error",
  ),
  ...tested("hook", ["useConversationItems"], parts("useConversationItems has them live")),
  ...tested("hook", ["useConversationItemIds"], oneItem),
  ...hook("useConversationItem", oneItem, "item isStreaming"),
  ...tested(
    "field",
    [...fieldsOf("ToolCallItem", "kind id call result"), ...fieldsOf("BlockItem", "kind id block")],
    parts("stand with their results, wherever those came; what did not change is the same object"),
  ),
  ...tested(
    "field",
    fieldsOf("FileNode", "name path file children"),
    parts("are folders in folders, whatever their names"),
  ),
  ...hook(
    "useFileTree",
    parts("useFileTree opens folders, and shows a file's content, live"),
    "tree isOpen toggle selected select content",
  ),
  ...tested("field", fieldsOf("FileContent", "text bytes isLoading error"), fetches),
];
