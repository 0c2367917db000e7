import type { AgentClient } from "@hhopkins/agent-runtime-client";
import type { SessionState, WorkspaceFile } from "@hhopkins/agent-runtime-protocol";
import { byId, make, setChildren, setText } from "./elements.ts";

export interface FilesView {
  draw(state: SessionState, client: AgentClient): void;
  clear(): void;
}

/** The workspace's files and the content of the one that is chosen, which follows its changes. */
export function createFilesView(): FilesView {
  const list = byId("file-list", HTMLUListElement);
  const view = byId("file-view", HTMLElement);
  const name = byId("file-name", HTMLElement);
  const content = byId("file-content", HTMLElement);
  let chosen: string | undefined;
  let shown: { file: WorkspaceFile; sessionId: string } | undefined;
  let current: { state: SessionState; client: AgentClient } | undefined;

  const open = async (file: WorkspaceFile, client: AgentClient, sessionId: string): Promise<void> => {
    shown = { file, sessionId };
    setText(name, file.path);
    view.hidden = false;
    const text = await textOf(file, () => client.readFile(sessionId, file.path));
    if (shown.file === file) setText(content, text);
  };

  const draw = (): void => {
    if (current === undefined) return;
    const { state, client } = current;
    const files = [...state.workspaceFiles].sort((a, b) => (a.path < b.path ? -1 : 1));
    setChildren(
      list,
      files.map((file) => item(file, file.path === chosen, () => choose(file.path))),
    );
    const file = files.find((candidate) => candidate.path === chosen);
    if (file === undefined) view.hidden = true;
    else if (shown?.file !== file || shown.sessionId !== state.sessionId) void open(file, client, state.sessionId);
  };

  const choose = (path: string): void => {
    chosen = path;
    draw();
  };

  return {
    draw(state, client) {
      if (state.workspaceFiles === current?.state.workspaceFiles && state.sessionId === current.state.sessionId) return;
      if (state.sessionId !== current?.state.sessionId) chosen = undefined;
      current = { state, client };
      draw();
    },
    clear() {
      current = undefined;
      chosen = undefined;
      list.replaceChildren();
      view.hidden = true;
    },
  };
}

function item(file: WorkspaceFile, isChosen: boolean, onChoose: () => void): HTMLLIElement {
  const button = make("button", { class: "row", testId: "file-item" }, [
    make("span", { text: file.path }),
    make("span", { text: file.type === "symlink" ? `→ ${file.target ?? ""}` : sizeText(file) }),
  ]);
  button.type = "button";
  button.setAttribute("aria-current", String(isChosen));
  button.addEventListener("click", onChoose);
  return make("li", {}, [button]);
}

function sizeText(file: WorkspaceFile): string {
  const size = file.size ?? file.content?.length ?? 0;
  return size < 1024 ? `${size} B` : `${(size / 1024).toFixed(1)} KB`;
}

const SHOWN_BYTES = 1024 * 1024;

async function textOf(file: WorkspaceFile, read: () => Promise<Uint8Array>): Promise<string> {
  if (file.type === "symlink") return `A link to ${file.target ?? "?"}`;
  if (file.content !== undefined && file.encoding !== "base64") return file.content;
  if ((file.size ?? 0) > SHOWN_BYTES) return `${sizeText(file)}: too large to show here.`;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await read());
  } catch (error) {
    return error instanceof TypeError ? `Not text: ${sizeText(file)} of bytes.` : `It cannot be read: ${String(error)}`;
  }
}
