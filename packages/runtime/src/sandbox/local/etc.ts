import { lstatSync } from "node:fs";
import { mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BOUND_IN_ETC } from "./bubblewrap.ts";

const FILES = {
  passwd:
    "root:x:0:0:root:/root:/usr/sbin/nologin\nagent:x:1000:1000:agent:/home/agent:/bin/bash\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
  group: "root:x:0:\nagent:x:1000:\nnogroup:x:65534:\n",
  hosts: "127.0.0.1 localhost sandbox\n::1 localhost\n",
  "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
  "resolv.conf": "",
  hostname: "sandbox\n",
} as const;

/** A minimal `/etc` of our own: nothing of the host's users, networks or settings. */
export async function makeEtc(folder: string): Promise<void> {
  for (const [name, text] of Object.entries(FILES)) await writeFile(join(folder, name), text);
  for (const path of BOUND_IN_ETC) {
    const place = join(folder, path.slice("/etc/".length));
    const there = await stat(path).catch(() => null);
    if (there === null) continue;
    if (there.isDirectory()) await mkdir(place, { recursive: true });
    else if (lstatSync(place, { throwIfNoEntry: false }) === undefined) await writeFile(place, "");
  }
}
