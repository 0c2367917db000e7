import { Timestamp, type SessionListQuery, type SessionState } from "@hhopkins/agent-runtime-protocol";
import { createRoute, z } from "@hono/zod-openapi";
import type { Principal } from "../../auth/principal.ts";
import { PAGE } from "../limits.ts";
import type { SessionService } from "../../session/service.ts";
import { answer, body, documents, problems, sessionPath } from "./documents.ts";
import { createRouter, sessionIdOf, type RestParts, type RestRouter } from "./environment.ts";
import { jsonBody, onMethod } from "./json-body.ts";

const limit = z.coerce.number().int().min(1).max(PAGE.max).default(PAGE.default);

const create = createRoute({
  method: "post",
  path: "/sessions/create",
  summary: "Create a session; no sandbox yet",
  request: { body: body(documents.CreateSessionBody) },
  responses: { 201: answer("The session", documents.CreateSessionAnswer), ...problems },
});

const time = Timestamp.refine((text) => !Number.isNaN(Date.parse(text)), "must be a time that there is").optional();
const listQuery = z.strictObject({
  limit,
  cursor: z.string().min(1).max(1000).optional(),
  order: z.enum(["activity", "created"]).optional(),
  type: z.string().min(1).max(100).optional(),
  agentProfileReference: z.string().min(1).max(200).optional(),
  isLoaded: z.enum(["true", "false"]).optional(),
  createdFrom: time,
  createdBefore: time,
  activeFrom: time,
  activeBefore: time,
});

const list = createRoute({
  method: "get",
  path: "/sessions",
  summary: "List sessions, the latest first",
  request: { query: listQuery },
  responses: { 200: answer("A page", documents.ListSessionsAnswer), ...problems },
});

const read = createRoute({
  method: "get",
  path: "/sessions/{id}",
  summary: "The session's state and lastSeq",
  request: {
    params: sessionPath,
    query: z.strictObject({ blocks: z.coerce.number().int().min(1).max(PAGE.max).optional() }),
  },
  responses: { 200: answer("The state", documents.SessionState), ...problems },
});

const options = createRoute({
  method: "patch",
  path: "/sessions/{id}/options",
  summary: "Change the session's options, or move it to its profile as that is now",
  request: { params: sessionPath, body: body(documents.UpdateOptionsBody) },
  responses: { 204: { description: "Changed" }, ...problems },
});

const blocks = createRoute({
  method: "get",
  path: "/sessions/{id}/blocks",
  summary: "A page of a conversation's blocks, oldest first",
  request: {
    params: sessionPath,
    query: z.strictObject({
      before: z.string().min(1).max(1000).optional(),
      limit,
      conversation: z.string().min(1).max(200).default("main"),
    }),
  },
  responses: { 200: answer("A page", documents.BlocksPage), ...problems },
});

const remove = createRoute({
  method: "delete",
  path: "/sessions/{id}",
  summary: "End the sandbox and remove the session with all of its data",
  request: { params: sessionPath },
  responses: { 204: { description: "Removed" }, ...problems },
});

const network = createRoute({
  method: "get",
  path: "/sessions/{id}/network",
  summary: "What the session's sandboxes may reach beside the model, and what they reached or were refused",
  request: { params: sessionPath },
  responses: { 200: answer("Hosts and places", documents.NetworkAnswer), ...problems },
});

const sandbox = createRoute({
  method: "get",
  path: "/sessions/{id}/sandbox",
  summary: "How the session's sandbox is, those that it had, and the last lines of its runner's log",
  request: { params: sessionPath },
  responses: { 200: answer("State, generations and log", documents.SandboxAnswer), ...problems },
});

const rewind = createRoute({
  method: "post",
  path: "/sessions/{id}/rewind",
  summary: "Go back to the end of an earlier turn, with conversation and workspace",
  request: { params: sessionPath, body: body(documents.RewindSessionBody) },
  responses: { 200: answer("Where the session is now", documents.RewindSessionAnswer), ...problems },
});

function commandRoute<N extends string>(name: N, summary: string) {
  return createRoute({
    method: "post",
    path: `/sessions/{id}/${name}`,
    summary,
    request: { params: sessionPath },
    responses: { 204: { description: "Done" }, ...problems },
  });
}

/** Sessions: create, list, read, change, end. */
export function sessionRoutes({ service, limits }: RestParts): RestRouter {
  const router = createRouter();
  router.use("/sessions/create", onMethod("POST", jsonBody(limits.bodyBytes)));
  router.use("/sessions/:id/options", onMethod("PATCH", jsonBody(limits.bodyBytes)));
  router.openapi(create, async (c) => c.json(await service.create(c.var.principal, c.req.valid("json")), 201));
  router.use("/sessions/:id/rewind", onMethod("POST", jsonBody(limits.bodyBytes)));
  router.openapi(rewind, async (c) => {
    const id = sessionIdOf(c.req.valid("param").id);
    return c.json(await service.rewind(c.var.principal, id, c.req.valid("json")), 200);
  });
  router.openapi(list, async (c) => c.json(await service.list(c.var.principal, pageOf(c.req.valid("query"))), 200));
  router.openapi(read, async (c) => {
    const id = sessionIdOf(c.req.valid("param").id);
    const state = await service.state(c.var.principal, id);
    const count = c.req.valid("query").blocks;
    const shown = count === undefined ? state : await lastBlocks(service, c.var.principal, { state, count });
    return c.json(asJson(shown), 200);
  });
  router.openapi(options, async (c) => {
    await service.updateOptions(c.var.principal, sessionIdOf(c.req.valid("param").id), c.req.valid("json"));
    return c.body(null, 204);
  });
  router.openapi(blocks, async (c) => {
    const { before, limit, conversation } = c.req.valid("query");
    const page = { conversationId: conversation, limit, ...(before === undefined ? {} : { before }) };
    return c.json(await service.blocks(c.var.principal, sessionIdOf(c.req.valid("param").id), page), 200);
  });
  router.openapi(network, async (c) =>
    c.json(await service.network(c.var.principal, sessionIdOf(c.req.valid("param").id)), 200),
  );
  router.openapi(sandbox, async (c) =>
    c.json(await service.sandbox(c.var.principal, sessionIdOf(c.req.valid("param").id)), 200),
  );
  router.openapi(remove, async (c) => {
    await service.delete(c.var.principal, sessionIdOf(c.req.valid("param").id));
    return c.body(null, 204);
  });
  router.openapi(commandRoute("unload", "Sync, end the sandbox, leave memory"), async (c) => {
    await service.unload(c.var.principal, sessionIdOf(c.req.valid("param").id));
    return c.body(null, 204);
  });
  router.openapi(commandRoute("sync", "Save what the sandbox has"), async (c) => {
    await service.sync(c.var.principal, sessionIdOf(c.req.valid("param").id));
    return c.body(null, 204);
  });
  router.openapi(commandRoute("interrupt", "Ask the running turn to stop"), async (c) => {
    await service.interrupt(c.var.principal, sessionIdOf(c.req.valid("param").id));
    return c.body(null, 204);
  });
  return router;
}

/** What the store is asked for. */
function pageOf(query: z.infer<typeof listQuery>): Omit<SessionListQuery, "tenant"> {
  const { limit, cursor, order, isLoaded, ...others } = query;
  const given = Object.entries(others).filter(([, value]) => value !== undefined);
  const filter = { ...Object.fromEntries(given), ...(isLoaded === undefined ? {} : { isLoaded: isLoaded === "true" }) };
  return {
    limit,
    ...(cursor === undefined ? {} : { cursor }),
    ...(order === undefined ? {} : { order }),
    ...(Object.keys(filter).length === 0 ? {} : { filter }),
  };
}

/** A state cannot be changed, which the framework's types do not know. */
function asJson(state: SessionState): z.infer<typeof documents.SessionState> {
  return state as unknown as z.infer<typeof documents.SessionState>;
}

/** The state with its last `count` blocks: fewer than its window has, or more, out of the store. */
async function lastBlocks(
  service: SessionService,
  principal: Principal,
  { state, count }: { state: SessionState; count: number },
): Promise<SessionState> {
  const missing = count - state.blocks.length;
  if (missing <= 0) {
    const blocks = state.blocks.slice(-count);
    const oldest = blocks[0];
    return missing === 0 || oldest === undefined ? state : { ...state, blocks, blocksBefore: oldest.id };
  }
  if (state.blocksBefore === undefined) return state;
  const page = await service.blocks(principal, state.sessionId, {
    conversationId: "main",
    before: state.blocksBefore,
    limit: missing,
  });
  const { blocksBefore: _before, ...rest } = state;
  const blocks = [...page.blocks, ...state.blocks];
  return { ...rest, blocks, ...(page.before === undefined ? {} : { blocksBefore: page.before }) };
}
