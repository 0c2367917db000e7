import { encodeLine, RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "../logger.ts";
import { FromGateway, GatewayNote, gatewayNote, readFrames, type ToGateway } from "./control.ts";
import type { GatewayListeners, ModelGateway } from "./port.ts";
import { relay } from "./stream-relay.ts";

export interface ExternalGatewayOptions extends GatewayListeners {
  readonly dataDir: string;
  readonly log: Logger;
  /** How long `open` waits for the gateway's process, in ms (5 s). */
  readonly openMs?: number;
}

const AGAIN_MS = 250;
const ANSWER_MS = 5_000;

/**
 * The server's end of a gateway that is a process of its own: tells it which sandboxes to serve, and tells it again when it
 * has been away. Closing ends nothing: the gateway lets go of a sandbox by itself once it is gone.
 */
export function createExternalGateway(options: ExternalGatewayOptions): ModelGateway {
  const { log } = options;
  const wanted = new Map<string, ToGateway>();
  const waiting = new Map<string, PromiseWithResolvers<void>>();
  const stop = new AbortController();
  let line: Socket | undefined;
  /** Where streams are passed on to; a gateway that has started anew has another place. */
  let streams = "";

  function take(frame: FromGateway): void {
    switch (frame.type) {
      case "serving":
        return waiting.get(frame.token)?.resolve();
      case "failed":
        return waiting
          .get(frame.token)
          ?.reject(new RuntimeError("unavailable", `The model gateway refused: ${frame.message}`));
      case "auth-failure":
        return options.onAuthFailure?.(frame.identity, frame.status);
      case "use": {
        const { model, ...use } = frame.use;
        return options.onUse?.(frame.identity, model === undefined ? use : { ...use, model });
      }
      case "egress": {
        const { reason, ...record } = frame.record;
        return options.onEgress?.(frame.identity, reason === undefined ? record : { ...record, reason });
      }
    }
  }

  async function dial(): Promise<Socket> {
    const note = GatewayNote.parse(JSON.parse(await readFile(gatewayNote(options.dataDir), "utf8")));
    streams = note.streams;
    const opened = connect(note.socket);
    readFrames(opened, FromGateway, take);
    await once(opened, "connect", { signal: AbortSignal.any([stop.signal, AbortSignal.timeout(ANSWER_MS)]) });
    return opened;
  }

  /** Holds the line for as long as this server lives. */
  async function hold(first: Socket): Promise<void> {
    for (let next: Socket | undefined = first; !stop.signal.aborted; next = await dial().catch(() => undefined)) {
      if (next === undefined) {
        await delay(AGAIN_MS, undefined, { signal: stop.signal }).catch(() => undefined);
        continue;
      }
      line = next;
      for (const frame of wanted.values()) line.write(encodeLine(frame));
      if (!line.closed) await once(line, "close");
      line = undefined;
      if (!stop.signal.aborted) log.warn({}, "the model gateway's process is away; agents wait for it");
    }
  }

  return {
    outlivesServer: true,
    async open() {
      const until = Date.now() + (options.openMs ?? ANSWER_MS);
      for (;;) {
        try {
          void hold(await dial());
          return;
        } catch (cause) {
          if (Date.now() > until) {
            const remedy = `Start \`agent-runtime gateway --data-dir ${options.dataDir}\` first, or leave out --gateway external.`;
            throw new RuntimeError("unavailable", `There is no model gateway for this data directory. ${remedy}`, {
              cause,
            });
          }
          await delay(AGAIN_MS);
        }
      }
    },
    async serve(sandbox, identity, rules = { allowedHosts: [], secrets: [] }) {
      const { token } = identity;
      const folder = sandbox.sockets;
      const mutable = {
        allowedHosts: [...rules.allowedHosts],
        secrets: rules.secrets.map(({ secret, hosts }) => ({ secret, hosts: [...hosts] })),
      };
      const frame: ToGateway = { type: "serve", identity, rules: mutable, ...(folder === undefined ? {} : { folder }) };
      wanted.set(token, frame);
      if (line !== undefined) {
        const answer = Promise.withResolvers<void>();
        waiting.set(token, answer);
        line.write(encodeLine(frame));
        // A gateway that is away serves as soon as it is back; the sandbox holds its requests until then.
        await Promise.race([
          answer.promise,
          once(line, "close").catch(() => undefined),
          delay(ANSWER_MS, undefined, { ref: false }),
        ]);
        waiting.delete(token);
      }
      // A sandbox of another host dials this server, which passes its streams on.
      const relayed =
        folder === undefined
          ? await sandbox.accept("gateway", (stream) => relay(stream, { path: streams, token }))
          : undefined;
      const letGo = async (): Promise<void> => {
        wanted.delete(token);
        await relayed?.close();
      };
      return {
        close: letGo,
        revoke: async () => {
          await letGo();
          line?.write(encodeLine({ type: "revoke", token } satisfies ToGateway));
        },
      };
    },
    async close() {
      stop.abort();
      line?.destroy();
    },
  };
}
