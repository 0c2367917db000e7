import { type CallContext, Status } from "nice-grpc";
import type { Apps } from "./apps.ts";
import type { DoubleSandbox } from "./sandbox.ts";
import { type Sandboxes, tagsOf } from "./sandboxes.ts";
import { type ControlHandlers, type RequestOf, refuse } from "./sdk.ts";
import { tunnelsOf } from "./tunnels.ts";

export interface SandboxHandlersParts {
  readonly apps: Apps;
  readonly sandboxes: Sandboxes;
  /** Where a sandbox's router is, and a token for it. */
  readonly routerAccess: (taskId: string) => { url: string; jwt: string };
}

/** One page of a list. */
const PAGE = 20;

/** The calls on sandboxes, in both versions: those with GPUs are still of the first. */
export function sandboxHandlers(parts: SandboxHandlersParts): ControlHandlers {
  return { ...secondVersion(parts), ...firstVersion(parts) };
}

function secondVersion({ apps, sandboxes, routerAccess }: SandboxHandlersParts): ControlHandlers {
  return {
    async sandboxCreateV2(request) {
      const { id, taskId, plan } = await sandboxes.create(2, request);
      const metadata = { appId: plan.appId };
      return { sandboxId: id, taskId, metadata, commandRouterAccess: routerAccess(taskId), tunnels: [] };
    },
    async sandboxGetTaskIdV2({ sandboxId = "" }) {
      return taskIdOf(sandboxes.get(sandboxId));
    },
    async sandboxGetCommandRouterAccess({ sandboxId = "" }) {
      return routerAccess(runningTask(sandboxes.get(sandboxId)));
    },
    sandboxWaitV2: (request, context) => waitFor(sandboxes.get(request.sandboxId ?? ""), request.timeout ?? 0, context),
    sandboxTerminateV2: ({ sandboxId = "" }) => terminate(sandboxes.get(sandboxId)),
    sandboxListV2: async (request) => list(sandboxes, request),
    sandboxTagsSetV2: async (request) => setTags(sandboxes, request),
    sandboxTagsGetV2: async ({ sandboxId = "" }) => getTags(sandboxes.get(sandboxId)),
    async sandboxGetFromNameV2({ sandboxName = "", appName = "", includeTerminated = false }) {
      const found = sandboxes.byName({ appId: apps.idOf(appName), name: sandboxName }, includeTerminated);
      if (found.plan.version !== 2) throw refuse(Status.NOT_FOUND, `Sandbox with name '${sandboxName}' not found`);
      return { sandboxId: found.id };
    },
    async sandboxSetName({ sandboxId = "", name = "" }) {
      const sandbox = sandboxes.get(sandboxId);
      if (sandbox.name !== "" || !sandbox.running)
        throw refuse(Status.FAILED_PRECONDITION, "It has a name, or has ended");
      sandboxes.refuseTakenName({ appId: sandbox.plan.appId, name });
      sandbox.name = name;
      return {};
    },
    sandboxGetTunnelsV2: async ({ sandboxId = "" }) => ({ tunnels: await tunnelsOf(sandboxes.get(sandboxId)) }),
  };
}

function firstVersion({ apps, sandboxes, routerAccess }: SandboxHandlersParts): ControlHandlers {
  return {
    async sandboxCreate(request) {
      return { sandboxId: (await sandboxes.create(1, request)).id };
    },
    sandboxGetTaskId: async ({ sandboxId = "" }) => taskIdOf(sandboxes.get(sandboxId)),
    async taskGetCommandRouterAccess({ taskId = "" }) {
      return routerAccess(runningTask(sandboxes.byTask(taskId)));
    },
    sandboxWait: (request, context) => waitFor(sandboxes.get(request.sandboxId ?? ""), request.timeout ?? 0, context),
    sandboxTerminate: ({ sandboxId = "" }) => terminate(sandboxes.get(sandboxId)),
    sandboxList: async (request) => list(sandboxes, request),
    sandboxTagsSet: async (request) => setTags(sandboxes, request),
    sandboxTagsGet: async ({ sandboxId = "" }) => getTags(sandboxes.get(sandboxId)),
    async sandboxGetFromName({ sandboxName = "", appName = "" }) {
      return { sandboxId: sandboxes.byName({ appId: apps.idOf(appName), name: sandboxName }).id };
    },
    sandboxGetTunnels: async ({ sandboxId = "" }) => ({ tunnels: await tunnelsOf(sandboxes.get(sandboxId)) }),
  };
}

function taskIdOf(sandbox: DoubleSandbox) {
  return sandbox.running ? { taskId: sandbox.taskId } : { taskResult: sandbox.result };
}

function runningTask(sandbox: DoubleSandbox): string {
  if (!sandbox.running) throw refuse(Status.NOT_FOUND, `Task ${sandbox.taskId} is not running`);
  return sandbox.taskId;
}

/** Waits for its end, at most `seconds`. */
async function waitFor(sandbox: DoubleSandbox, seconds: number, context: CallContext) {
  const over = Promise.withResolvers<void>();
  const clock = setTimeout(over.resolve, seconds * 1000);
  context.signal.addEventListener("abort", () => over.resolve(), { once: true });
  if (seconds > 0) await Promise.race([sandbox.ended, over.promise]);
  clearTimeout(clock);
  return { result: sandbox.result, metadata: { appId: sandbox.plan.appId, result: sandbox.result } };
}

async function terminate(sandbox: DoubleSandbox) {
  const existingResult = sandbox.result;
  await sandbox.terminate();
  return { existingResult };
}

/** Newest first, a page from `beforeTimestamp` on; those that have at least the tags that were asked for. */
function list(sandboxes: Sandboxes, request: RequestOf<"sandboxListV2">) {
  const { appId = "", beforeTimestamp = 0, includeFinished = false, tags = [] } = request;
  const wanted = Object.entries(tagsOf(tags));
  const found = sandboxes
    .all()
    .filter((sandbox) => appId === "" || sandbox.plan.appId === appId)
    .filter((sandbox) => beforeTimestamp === 0 || sandbox.plan.createdAt < beforeTimestamp)
    .filter((sandbox) => includeFinished || sandbox.running)
    .filter((sandbox) => wanted.every(([name, value]) => sandbox.tags[name] === value))
    .toSorted((a, b) => b.plan.createdAt - a.plan.createdAt);
  return { sandboxes: found.slice(0, PAGE).map(infoOf) };
}

function infoOf({ id, plan, tags, name }: DoubleSandbox) {
  const { createdAt, appId, image, definition } = plan;
  return {
    id,
    createdAt,
    appId,
    tags: tagList(tags),
    name,
    imageId: image.id,
    timeoutSecs: definition.timeoutSecs ?? 0,
  };
}

function setTags(sandboxes: Sandboxes, { sandboxId = "", tags = [] }: RequestOf<"sandboxTagsSetV2">) {
  sandboxes.get(sandboxId).tags = tagsOf(tags);
  return {};
}

function getTags(sandbox: DoubleSandbox) {
  return { tags: tagList(sandbox.tags) };
}

function tagList(tags: Readonly<Record<string, string>>) {
  return Object.entries(tags).map(([tagName, tagValue]) => ({ tagName, tagValue }));
}
