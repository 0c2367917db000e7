import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import type { ListenOptions, Server } from "node:net";
import { join } from "node:path";
import type { Bait, IsolationProbe } from "./probe.ts";
import type { IsolationScene } from "./scene.ts";

const newWord = (kind: string): string => `bait-${kind}-${randomBytes(8).toString("hex")}`;

/** A service of this host that says a word to whoever connects. */
async function service(where: ListenOptions, hints: (server: Server) => Bait["hints"]): Promise<Bait> {
  const canary = newWord("service");
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.end(canary);
  }).listen(where);
  await once(server, "listening");
  return { hints: hints(server), canary, remove: async () => void server.close() };
}

const portOf = (server: Server): number => {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
};

/** Answers any question of a name with a word, on loopback and an odd port. */
async function nameServer(): Promise<Bait> {
  const canary = newWord("dns");
  const server = createSocket("udp4");
  server.on("message", (_question, { port, address }) => server.send(canary, port, address));
  server.bind(0, "127.0.0.1");
  await once(server, "listening");
  return { hints: { port: server.address().port }, canary, remove: async () => void server.close() };
}

const dialService = (scene: IsolationScene): Promise<Bait> => {
  void scene;
  return service({ port: 0, host: "127.0.0.1" }, (server) => ({ port: portOf(server) }));
};

/** A stand-in for a cloud's metadata service, in a network namespace of the proof's own; elsewhere nothing is sent. */
const METADATA = {
  word: newWord("metadata"),
  addresses: ["169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.2.1"],
};

/** What a sandbox must not reach by any network; no attack sends anything but to loopback and to what its test put up. */
export const networkProbes: Readonly<Record<string, IsolationProbe>> = {
  "services on the host's loopback, by a client that ignores proxy variables": {
    proof: "plain",
    bait: dialService,
    attack: `
for host in ("127.0.0.1", "127.0.0.2", "0.0.0.0", "localhost", "::1", "::ffff:127.0.0.1"):
  attempt(host, lambda: reached(socket.create_connection((host, hints["port"]), 5).recv(100).decode()))
`,
  },

  "abstract unix sockets of the host": {
    proof: "plain",
    bait: () => {
      const name = newWord("abstract");
      return service({ path: `\0${name}` }, () => ({ name }));
    },
    attack: `
def dial():
  client = socket.socket(socket.AF_UNIX)
  client.connect("\\0" + hints["name"])
  reached(client.recv(100).decode())
attempt("connect", dial)
`,
  },

  "unix sockets in the host's folders": {
    proof: "plain",
    bait: ({ standIn }) => {
      const path = join(standIn.folder, "engine.sock");
      return service({ path, writableAll: true }, () => ({ path, pid: standIn.pid }));
    },
    attack: `
def dial(path):
  client = socket.socket(socket.AF_UNIX)
  client.connect(path)
  reached(client.recv(100).decode())
for path in (hints["path"], "/proc/1/root" + hints["path"], "/proc/%s/root%s" % (hints["pid"], hints["path"])): attempt(path, lambda: dial(path))
for path in ("/var/run/docker.sock", "/run/docker.sock", "/run/dbus/system_bus_socket"): saw("%s: %s" % (path, os.path.exists(path)))
`,
  },

  "DNS: a name server beside the sandbox": {
    proof: "plain",
    bait: nameServer,
    attack: `
question = b"\\x12\\x34\\x01\\0\\0\\x01\\0\\0\\0\\0\\0\\0" + b"\\x06secret\\x07invalid\\0\\0\\x10\\0\\x01"
def ask(host):
  client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
  client.settimeout(2)
  client.connect((host, hints["port"]))
  client.send(question)
  reached(client.recv(512).decode())
for host in ("127.0.0.1", "127.0.0.53"): attempt(host, lambda: ask(host))
`,
  },

  "DNS: names, and a route to a name server": {
    proof: "namespaces",
    bait: async () => ({ hints: {}, proofHints: { own: 1 } }),
    // Connecting a UDP socket asks for the route and sends nothing.
    attack: `
servers = re.findall(r"^nameserver\\s+(\\S+)", open("/etc/resolv.conf").read() if os.path.exists("/etc/resolv.conf") else "", re.M)
if hints.get("own"):
  own_loopback("192.0.2.53")
  servers = ["192.0.2.53"]
saw("name servers: %s" % servers)
def route(server):
  client = socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM)
  client.connect((server, 53))
  reached("a route to the name server " + server)
for server in servers + ["192.0.2.53"]: attempt(server, lambda: route(server))
`,
  },

  "a route to metadata services, or to any address": {
    proof: "namespaces",
    bait: async () => ({
      hints: { addresses: METADATA.addresses },
      proofHints: { standIn: METADATA.word },
    }),
    attack: `
if "standIn" in hints:
  own_loopback("169.254.169.254")
  own_loopback()
  service = socket.create_server(("169.254.169.254", 80))
  threading.Thread(target=lambda: service.accept()[0].sendall(hints["standIn"].encode()), daemon=True).start()
def route(address):
  client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
  client.connect((address, 80))
  # Only what the test put up is spoken to.
  word = socket.create_connection((address, 80), 5).recv(100).decode() if "standIn" in hints else "a route"
  reached("%s at %s" % (word, address))
for address in hints["addresses"]: attempt(address, lambda: route(address))
def route6():
  client = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
  client.connect(("2001:db8::1", 80))
  reached("a route by IPv6")
attempt("2001:db8::1", route6)
saw(open("/proc/net/dev").read().count(":"))
`,
  },

  "raw sockets": {
    proof: "namespaces",
    bait: async () => ({ hints: {}, proofHints: { own: 1 } }),
    attack: `
if hints.get("own"): own_loopback()
def raw(family, protocol):
  socket.socket(family, socket.SOCK_RAW, protocol)
  reached("a raw socket of family %d" % family)
attempt("raw IPv4", lambda: raw(socket.AF_INET, 1))
attempt("raw IPv4, any", lambda: raw(socket.AF_INET, 255))
attempt("raw IPv6", lambda: raw(socket.AF_INET6, 58))
`,
  },

  "packet sockets: hearing and sending frames": {
    proof: "namespaces",
    bait: async () => ({ hints: {}, proofHints: { own: 1 } }),
    attack: `
if hints.get("own"): own_loopback()
def hear():
  ear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
  ear.settimeout(5)
  socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"said to somebody else", ("127.0.0.1", 9))
  while True:
    frame = ear.recv(2000)
    if b"said to somebody else" in frame: return reached("hears what others say")
attempt("packet", hear)
`,
  },
};
