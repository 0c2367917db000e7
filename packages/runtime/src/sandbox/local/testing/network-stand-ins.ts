// Runs in a network namespace that a test has made: puts up a metadata service and a name server at their usual addresses,
// and says, as JSON, what one and the same program hears from them beside a sandbox and inside it.
import { execFile } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { INNER_SCRIPT, testSpec, WITHOUT_END } from "../../testing/inside.ts";
import { localSandbox } from "../index.ts";

const ASK = `
import socket
def tcp():
  return socket.create_connection(("169.254.169.254", 80), 5).recv(100).decode()
def udp():
  client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
  client.settimeout(5)
  client.sendto(b"secret.invalid?", ("192.0.2.53", 53))
  return client.recv(100).decode()
for ask in (tcp, udp):
  try: print(ask())
  except OSError as error: print(type(error).__name__, error.errno)
`;
/** Gives the namespace's loopback the addresses. */
const ADDRESSES = `
import fcntl, socket, struct
control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for name, address in ((b"lo:1", "169.254.169.254"), (b"lo:2", "192.0.2.53")):
  fcntl.ioctl(control, 0x8916, struct.pack("16sHH4s8x", name, socket.AF_INET, 0, socket.inet_aton(address)))
fcntl.ioctl(control, 0x8914, struct.pack("16sh14x", b"lo", 0x41))
`;

const run = promisify(execFile);
await run("/usr/bin/python3", ["-c", ADDRESSES]);
const service = createServer((socket) => socket.on("error", () => undefined).end("metadata")).listen(
  80,
  "169.254.169.254",
);
const names = createSocket("udp4").bind(53, "192.0.2.53");
names.on("message", (_question, { port, address }) => names.send("an answer", port, address));
await Promise.all([once(service, "listening"), once(names, "listening")]);
const { stdout } = await run("/usr/bin/python3", ["-c", ASK]);

const dataDir = await mkdtemp(join(tmpdir(), "stand-ins-"));
const provider = localSandbox({ dataDir });
const spec = testSpec("stand-ins", { runner: { bundle: INNER_SCRIPT, packages: {} } });
const sandbox = await provider.create(spec, WITHOUT_END);
const asked = await sandbox.exec(["/usr/bin/python3", "-c", ASK]);
asked.stdin.end();
const inside = await text(asked.stdout);
await sandbox.terminate();
await provider.close?.();
await rm(dataDir, { recursive: true, force: true });
process.stdout.write(JSON.stringify({ beside: stdout.trim().split("\n"), inside: inside.trim().split("\n") }));
process.exit(0);
