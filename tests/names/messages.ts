import { fieldsOf, tested, testsIn, valuesOf, type Row } from "./row.ts";

const attachments = testsIn("tests/attachments/attachments.test.ts");
const kept = testsIn("tests/attachments/kept.test.ts");
const results = testsIn("tests/results/results.test.ts");
const webSocket = testsIn("packages/runtime/src/transport/websocket/transport.test.ts");
const form = testsIn("packages/client/src/message-form.test.ts");

const seen = attachments(
  "pictures and PDFs are seen by the model, other files lie in the workspace, and the bytes of all can be read",
);
const asForm = attachments("a form of a browser is the same message, with the fields that say where its files go");
const unlaid = attachments("where a file cannot be laid, the turn fails and says so, and the session goes on");
const tooLarge = attachments("a body above the limit, as JSON and as a form, by what it says and by what it is");
const same = attachments("what it comes with is part of the message; nothing that lies there is written over");
const survives = kept("a message that waits keeps what it comes with through the kill of its server");
const given = results(
  "the turn's end and the state carry the object; what does not fit ends as invalid_result, and the session goes on",
);
const waits = results(
  "the schema is part of the message: it waits in the queue, and the same again is the same message",
);
const refused = results("what is no schema is refused, and the field is named");
const client = form("a message without files is JSON; with files it is a form, whose fields say where they go");

/** Files that messages come with, and results of turns. */
export const messageRows: readonly Row[] = [
  ...tested("field", ["SendMessageBody.attachments", ...fieldsOf("AttachmentInput", "name mediaType data to")], seen),
  ...tested("value", valuesOf("AttachmentTarget", "workspace model"), asForm),
  ...tested("field", fieldsOf("Attachment", "name mediaType size sha256 path"), seen),
  ...tested("field", ["UserMessageBlock.attachments"], seen),
  ...tested("field", ["QueuedMessage.attachments", "TurnMessage.attachments"], survives),
  ...tested("field", fieldsOf("TurnMessage", "messageId content"), survives),
  ...tested("event field", ["session:message:queued.attachments"], survives),
  ...tested("route", ["GET /sessions/{id}/messages/{messageId}/attachments/{name}"], seen),
  ...tested("behaviour", ["POST /sessions/{id}/message as multipart/form-data"], asForm),
  ...tested("behaviour", ["another file or schema with the same messageId is another message"], same),
  ...tested("behaviour", ["attachments of a message: at most 20, within bodyBytes"], tooLarge),
  ...tested("error code", ["attachment_failed"], unlaid),
  ...tested("variant", ["CommandBody:attachment:put"], survives),
  ...tested("field", ["SendMessageBody.resultSchema", "QueuedMessage.resultSchema", "TurnState.resultSchema"], waits),
  ...tested("event field", ["session:message:queued.resultSchema", "session:turn:started.resultSchema"], waits),
  ...tested("event field", ["session:turn:completed.result"], given),
  ...tested("field", ["SessionState.lastTurn", ...fieldsOf("EndedTurn", "turnId status error result")], given),
  ...tested("error code", ["invalid_result"], given),
  ...tested("behaviour", ["resultSchema: at most 32 KB"], refused),
  ...tested(
    "field",
    ["attachments", "resultSchema"].map((name) => `ClientFrame:session:message.data.${name}`),
    webSocket("a message with files and a schema"),
  ),
  ...tested(
    "method",
    ["client.readAttachment"],
    form("the client sends the form as it is, and reads what a message came with"),
  ),
  ...tested("client option", fieldsOf("SendMessageOptions", "attachments resultSchema"), client),
];
