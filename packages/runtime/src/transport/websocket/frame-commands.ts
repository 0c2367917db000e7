import type { ClientFrame } from "@hhopkins/agent-runtime-protocol";
import type { Principal } from "../../auth/principal.ts";
import { givenMessage } from "../given-message.ts";
import { assertMessageSize } from "../message-size.ts";
import type { SessionService } from "../../session/service.ts";
import type { Joins } from "./joins.ts";

export interface FrameContext {
  readonly service: SessionService;
  readonly principal: Principal;
  readonly joins: Joins;
  readonly messageBytes: number;
  readonly watch: () => void;
  /** Acknowledges the frame, where it has an id. */
  readonly reply: (data: object) => void;
}

/** Does what a valid frame says. Rejects with the service's `RuntimeError`s. */
export async function runFrame(frame: ClientFrame, context: FrameContext): Promise<void> {
  const { service, principal, joins, reply } = context;
  switch (frame.event) {
    case "session:join": {
      const { sessionId, after = 0, logId, conversation } = frame.data;
      const cursor = {
        after,
        ...(logId === undefined ? {} : { logId }),
        ...(conversation === undefined ? {} : { conversation }),
      };
      await joins.join(sessionId, cursor, (follow) =>
        reply({ sessionId, logId: follow.logId, lastSeq: follow.lastSeq }),
      );
      return;
    }
    case "session:leave":
      joins.leave(frame.data.sessionId);
      return reply({});
    case "sessions:watch":
      context.watch();
      return reply({});
    case "ping":
      return reply({});
    case "session:message": {
      const { sessionId, ...message } = frame.data;
      assertMessageSize(message.content, context.messageBytes);
      return reply(await service.send(principal, sessionId, givenMessage(message)));
    }
    case "session:answer": {
      const { sessionId, ...given } = frame.data;
      return reply(await service.answer(principal, sessionId, given));
    }
    case "session:interrupt":
      await service.interrupt(principal, frame.data.sessionId);
      return reply({});
  }
}
