/** Parts of a profile that the ecosystem keeps in files of their own: skills, subagents, commands. */
import { isUtf8 } from "node:buffer";
import { basename, join } from "node:path";
import type { DraftProfile } from "./draft-profile.ts";
import { invalidProfile, type FolderFiles } from "./folder-files.ts";
import { nameList, readMarkdown, type MarkdownFile } from "./front-matter.ts";

const MARKDOWN = ".md";
/** Fields of the ecosystem that change what an agent may do, so that nobody believes they hold here. */
const SUBAGENT_UNSUPPORTED = ["disallowedTools", "permissionMode", "mcpServers", "hooks", "skills", "maxTurns"];
const COMMAND_UNSUPPORTED = ["allowed-tools", "model", "hooks"];

/** Each folder with a `SKILL.md`, with the other files in it. */
export async function addSkills(draft: DraftProfile, folder: string): Promise<void> {
  const { files } = draft;
  for (const name of await files.names(folder)) {
    const own = join(folder, name);
    if (await files.isFolder(own)) await addSkill(draft, own);
  }
}

export async function addSkill(draft: DraftProfile, folder: string): Promise<void> {
  const { files } = draft;
  const file = join(folder, "SKILL.md");
  const skillMd = await files.text(file);
  if (skillMd === null) throw invalidProfile(files.place(folder), "has no SKILL.md. Write one, or remove the folder.");
  const { fields } = readMarkdown(skillMd, files.place(file));
  const { name = basename(folder), description = "", npmDependencies, pipDependencies } = fields;
  const others = (await files.below(folder)).filter((path) => path !== "SKILL.md");
  const supportingFiles = await inputFiles(files, folder, others);
  const skill = {
    name,
    description,
    skillMd,
    ...(supportingFiles.length === 0 ? {} : { supportingFiles }),
    ...(npmDependencies === undefined ? {} : { npmDependencies }),
    ...(pipDependencies === undefined ? {} : { pipDependencies }),
  };
  draft.add("skills", skill, file);
}

export async function addSubagents(draft: DraftProfile, folder: string): Promise<void> {
  for (const path of await markdownBelow(draft.files, folder)) await addSubagent(draft, join(folder, path));
}

export async function addSubagent(draft: DraftProfile, file: string): Promise<void> {
  const { fields, body } = await markdown(draft.files, file);
  const { name = basename(file, MARKDOWN), description = "", tools, model } = fields;
  if (typeof description === "string" && description.trim() === "") {
    throw invalidProfile(`${draft.files.place(file)}: description`, "is missing. Say when the agent is to be used.");
  }
  noticeUnsupported(draft, file, { fields, unsupported: SUBAGENT_UNSUPPORTED });
  const subagent = {
    name,
    description,
    prompt: body.trim(),
    ...(tools === undefined ? {} : { tools: nameList(tools) }),
    // As the agent that calls it, which is what absence says here.
    ...(model === undefined || model === "inherit" ? {} : { model }),
  };
  draft.add("subagents", subagent, file);
}

/** A file `a/b.md` is the command `/a:b`. */
export async function addCommands(draft: DraftProfile, folder: string): Promise<void> {
  for (const path of await markdownBelow(draft.files, folder)) {
    await addCommand(draft, join(folder, path), path.slice(0, -MARKDOWN.length).replaceAll("/", ":"));
  }
}

export async function addCommand(
  draft: DraftProfile,
  file: string,
  name: string = basename(file, MARKDOWN),
): Promise<void> {
  const { fields, body } = await markdown(draft.files, file);
  noticeUnsupported(draft, file, { fields, unsupported: COMMAND_UNSUPPORTED });
  draft.add("commands", { name, prompt: body.trim() }, file);
}

/** Every file below a folder is one of the workspace's first. */
export async function addWorkspaceFiles(draft: DraftProfile, folder: string): Promise<void> {
  const { files } = draft;
  for (const path of await files.below(folder)) {
    const [input] = await inputFiles(files, folder, [path]);
    draft.add("defaultWorkspaceFiles", input, join(folder, path));
  }
}

async function markdownBelow(files: FolderFiles, folder: string): Promise<string[]> {
  return (await files.below(folder)).filter((path) => path.endsWith(MARKDOWN));
}

async function markdown(files: FolderFiles, file: string): Promise<MarkdownFile> {
  const text = await files.text(file);
  if (text === null) throw invalidProfile(files.place(file), "is named, and is not there.");
  return readMarkdown(text, files.place(file));
}

async function inputFiles(files: FolderFiles, folder: string, paths: readonly string[]): Promise<object[]> {
  const inputs: object[] = [];
  for (const path of paths) {
    const found = await files.bytes(join(folder, path));
    if (found === null) continue;
    const { bytes, mode } = found;
    const content = isUtf8(bytes)
      ? { content: bytes.toString("utf8") }
      : { content: bytes.toString("base64"), encoding: "base64" };
    inputs.push({ path, ...content, ...((mode & 0o111) === 0 ? {} : { mode: 0o755 }) });
  }
  return inputs;
}

function noticeUnsupported(
  draft: DraftProfile,
  file: string,
  { fields, unsupported }: { fields: MarkdownFile["fields"]; unsupported: readonly string[] },
): void {
  const found = unsupported.filter((field) => fields[field] !== undefined);
  if (found.length > 0) draft.notice(file, `${found.join(", ")}: not supported, without effect`);
}
