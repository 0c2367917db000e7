import * as at from "./files.ts";
import { fieldsOf, tested, type Row } from "./row.ts";

const forked = at.forks("a fork has conversation and workspace of the turn that it names; after it both sides diverge");
const refused = at.forks("what cannot be forked or rewound says why; a running turn does not stand in a fork's way");
const wentBack = at.rewinds(
  "a session goes back with conversation and workspace, and goes on from there; its log keeps what was, also over a restart",
);
const subagents = at.rewinds(
  "a turn with subagents is forked and gone back to with theirs, and later ones are no more; a failed turn too",
);
const window = at.rewound(
  "blocks that had left the window are in it again, and the cursor of older ones is that of then",
);
const remembered = at.rewound("what was allowed, and which turn was the last, is as it was then");
const example = at.forkExample(
  "fork: a session and its fork go different ways from one turn, and the session goes back to it",
);

/** Names of forks, and of sessions that go back. */
export const forkRows: readonly Row[] = [
  ...tested("route", ["POST /sessions/{id}/fork"], forked),
  ...tested("route", ["POST /sessions/{id}/rewind"], wentBack),
  ...tested("field", fieldsOf("ForkSessionBody", "turnId name metadata sessionOptions"), forked),
  ...tested(
    "field",
    fieldsOf(
      "ForkSessionAnswer",
      "sessionId type agentProfileReference name createdAt lastActivity sessionOptions metadata runtime forkedFrom",
    ),
    forked,
  ),
  ...tested("field", fieldsOf("ForkOrigin", "sessionId turnId seq"), forked),
  ...tested("field", ["SessionState.forkedFrom"], forked),
  ...tested("event field", ["session:created.forkedFrom"], forked),
  ...tested("field", fieldsOf("RewindSessionAnswer", "sessionId turnId lastSeq"), wentBack),
  ...tested("field", ["RewindSessionBody.turnId"], wentBack),
  ...tested("event", ["session:rewound"], wentBack),
  ...tested("event field", fieldsOf("session:rewound", "sessionId turnId"), wentBack),
  ...tested("event field", fieldsOf("session:rewound", "window window.blocks window.keep window.before"), window),
  ...tested("event field", fieldsOf("session:rewound", "lastTurn allowedTools"), remembered),
  ...tested("event field", fieldsOf("session:rewound", "subagents"), subagents),
  ...tested(
    "event field",
    fieldsOf(
      "session:rewound.subagents",
      "id name status parentId background output usage costUSD window window.blocks window.keep window.before",
    ),
    subagents,
  ),
  ...tested("error code", ["turn_not_found"], refused),
  ...tested("method", ["client.forkSession", "client.rewindSession"], example),
];
