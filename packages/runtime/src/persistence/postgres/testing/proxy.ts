import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** What lies between a server and a database, and can fail. */
export interface CuttableWay extends AsyncDisposable {
  readonly url: string;
  /** Ends every connection, and refuses new ones until `mend`. */
  cut(): void;
  mend(): void;
  /** After so many more answers of the database, the next one is lost, and every connection with it. */
  loseAnswer(after: number): void;
  /** After so many more answers nothing goes either way, as if the server had stopped; resolves when it is so. */
  stop(after: number): Promise<void>;
}

export async function cuttableWay(url: string): Promise<CuttableWay> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let isCut = false;
  let answersLeft = Infinity;
  let atEnd = (): void => undefined;
  const drop = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer((from) => {
    if (isCut) return void from.destroy();
    const to = connect(Number(target.port), target.hostname);
    for (const socket of [from, to]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => sockets.delete(socket));
    }
    from.pipe(to);
    to.on("data", (part) => {
      answersLeft -= 1;
      if (answersLeft >= 0) return void from.write(part);
      answersLeft = Infinity;
      atEnd();
    });
    from.on("close", () => to.destroy());
    to.on("close", () => from.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const through = new URL(url);
  through.port = String(typeof address === "object" ? address?.port : 0);
  return {
    url: through.href,
    cut: () => {
      isCut = true;
      drop();
    },
    mend: () => {
      isCut = false;
    },
    loseAnswer: (after) => {
      answersLeft = after;
      atEnd = drop;
    },
    stop: (after) =>
      new Promise((resolve) => {
        answersLeft = after;
        atEnd = () => {
          for (const socket of sockets) socket.pause();
          resolve();
        };
      }),
    [Symbol.asyncDispose]: async () => {
      drop();
      server.close();
    },
  };
}
