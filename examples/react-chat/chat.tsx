import { AgentServiceProvider, BlockList, useAgentSession, useComposer } from "@hhopkins/agent-runtime-react";
import type { ShownBlock } from "@hhopkins/agent-runtime-react";
import { createRoot } from "react-dom/client";

const place = new URLSearchParams(location.hash.slice(1)); // #key=…&session=…

function Chat() {
  const { session, isLoading, error, createSession } = useAgentSession(place.get("session") ?? undefined);
  const { formProps, inputProps, canSend, isRunning, interrupt } = useComposer(session?.sessionId);
  const begin = async () => {
    place.set("session", await createSession("default", "claude-agent-sdk"));
    history.replaceState(null, "", `#${place.toString()}`);
  };
  const stop = <button onClick={() => void interrupt()}>Stop</button>;
  const start = <button onClick={() => void begin()}>New chat</button>;
  return (
    <main>
      <p role="status">{error?.message ?? (isLoading ? "Loading" : "")}</p>
      <BlockList sessionId={session?.sessionId} className="blocks" children={renderBlock} />
      <form {...formProps}>
        <textarea {...inputProps} disabled={session === undefined} />
        <button disabled={!canSend}>Send</button>
      </form>
      {session === undefined ? start : isRunning && stop}
    </main>
  );
}

function renderBlock(block: ShownBlock) {
  const tool = "toolName" in block ? `${block.toolName}: ${block.status}` : block.type;
  const delivery = "delivery" in block ? block.delivery : "";
  return <p className={`${block.type} ${delivery}`}>{"content" in block ? block.content : tool}</p>;
}

createRoot(document.body).render(
  <AgentServiceProvider apiUrl={location.origin} apiKey={place.get("key") ?? undefined}>
    <Chat />
  </AgentServiceProvider>,
);
