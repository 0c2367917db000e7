import { fieldsOf, tested, testsIn, valuesOf, type Row } from "./row.ts";

const STORE = "packages/client/src/store";
const store = testsIn(`${STORE}/session-store.test.ts`);
const list = testsIn(`${STORE}/session-list-store.test.ts`);
const messages = testsIn(`${STORE}/pending-messages.test.ts`);
const older = testsIn(`${STORE}/older-blocks.test.ts`);
const wake = testsIn("packages/client/src/follow/wake.test.ts");

const read = testsIn("packages/client/src/read/read-events.test.ts");
const following = store("costs nothing until somebody subscribes; several share one line, and the last closes it");
const message = messages("a message shows at once, and the server's block with its id takes its place");
const failed = messages("what failed says so, and can be sent again or dropped; nothing rejects");
const pages = older("come by pages, each once, until there are none");
const listed = list("the list is fetched, and follows what is told of it, the latest activity first");
const more = list("more pages come when they are asked for; filters and order go with each");
const listError = list("an error is shown, and goes with the next answer; a wrong key is not tried again");

/** The client's stores, which every framework can stand on. */
export const clientStoreRows: readonly Row[] = [
  ...tested("method", ["following.wake"], wake("who waits to come back tries at once when %s")),
  ...tested(
    "method",
    ["client.readEvents"],
    read("what is kept comes in order, in batches as it arrives, wherever the stream is broken into chunks"),
  ),
  ...tested(
    "option",
    fieldsOf("readEvents", "after upTo"),
    read("`after` and `upTo` bound it; what stands for more than its own number says so"),
  ),
  ...tested("option", ["readEvents.signal"], read("who leaves off closes the stream")),
  ...tested("method", ["client.watchSessions"], listed),
  ...tested("option", fieldsOf("watchSessions", "onUpdated onRemoved onConnection"), listed),
  ...tested("option", ["watchSessions.onError"], listError),
  ...tested("option", ["watchSessions.backoff"], list("a watcher comes back as its backoff says, until it is stopped")),

  ...tested("option", ["createSessionStore.state"], store("a state that is given is shown before anything is fetched")),
  ...tested(
    "option",
    ["createSessionStore.graceMs"],
    store("who leaves and comes back at once keeps the line, as StrictMode does"),
  ),
  ...tested("option", ["createSessionStore.pageSize"], pages),
  ...tested(
    "option",
    ["createSessionStore.schedule"],
    store("events of one frame are told together, and none is lost when the schedule never comes"),
  ),
  ...tested(
    "option",
    ["createSessionStore.follow"],
    store("a server that is away at first is waited for, and the error goes when it is there"),
  ),
  ...tested("option", ["createSessionStore.onEvent"], store("each event is told to who made the store")),
  ...tested("method", fieldsOf("sessionStore", "sessionId isIdle getSnapshot subscribe"), following),
  ...tested("method", ["sessionStore.sendMessage"], message),
  ...tested("method", fieldsOf("sessionStore", "retryMessage dropMessage"), failed),
  ...tested("method", ["sessionStore.loadOlder"], pages),
  ...tested(
    "method",
    ["sessionStore.load"],
    store(
      "`load` follows until the state is there, for all who ask meanwhile; where there is none it rejects, and tries again later",
    ),
  ),
  ...tested("method", ["sessionStore.wake"], store("`wake` tries at once to come back, and what was there stays")),
  ...tested("method", ["sessionStore.reload"], store("after a wrong key `reload` begins anew")),
  ...tested("field", fieldsOf("SessionSnapshot", "sessionId state connection"), following),
  ...tested(
    "field",
    ["SessionSnapshot.error"],
    store("a session that is deleted under the reader: the last state stays, with the reason"),
  ),
  ...tested("field", ["SessionSnapshot.pending"], message),
  ...tested("field", ["SessionSnapshot.older"], pages),
  ...tested("field", fieldsOf("OptimisticMessage", "delivery mode"), message),
  ...tested("field", ["OptimisticMessage.error"], failed),
  ...tested("field", fieldsOf("OlderBlocks", "blocks before"), pages),
  ...tested(
    "field",
    fieldsOf("OlderBlocks", "isLoading error"),
    older("a page that fails says so, and can be asked for again"),
  ),
  ...tested("delivery", valuesOf("OptimisticMessage.delivery", "sending queued"), message),
  ...tested("delivery", ["OptimisticMessage.delivery=failed"], failed),
  ...tested(
    "method",
    ["sessionStores.get"],
    testsIn(`${STORE}/session-stores.test.ts`)("a session has one store; idle ones are forgotten but for the last few"),
  ),
  ...tested("method", fieldsOf("sessionListStore", "getSnapshot subscribe"), listed),
  ...tested("method", ["sessionListStore.refresh"], listError),
  ...tested("method", ["sessionListStore.loadMore"], more),
  ...tested("field", fieldsOf("SessionListSnapshot", "sessions isLoading"), listed),
  ...tested("field", ["SessionListSnapshot.hasMore"], more),
  ...tested("field", ["SessionListSnapshot.error"], listError),
];
