import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { cgroupMounts } from "./cgroup-mounts.ts";

let folder = "";
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function mounts(cgroup: string, mountinfo: string): ReturnType<typeof cgroupMounts> {
  folder = mkdtempSync(join(tmpdir(), "mounts-"));
  writeFileSync(join(folder, "cgroup"), cgroup);
  writeFileSync(join(folder, "mountinfo"), mountinfo);
  return cgroupMounts(folder);
}

test("version 2, as a service of systemd", () => {
  const mountinfo =
    "24 1 8:1 / / rw - ext4 /dev/sda1 rw\n35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
  expect(mounts("0::/system.slice/agent.service\n", mountinfo)).toEqual([
    {
      version: 2,
      controllers: [],
      root: "/",
      point: "/sys/fs/cgroup",
      ancestry: ["/sys/fs/cgroup/system.slice/agent.service", "/sys/fs/cgroup/system.slice", "/sys/fs/cgroup"],
    },
  ]);
});

test("version 1 in a container: what is mounted is a part of the hierarchy", () => {
  const mountinfo =
    "40 24 0:33 /docker/abc /sys/fs/cgroup/cpu\\040and\\040acct ro - cgroup cgroup rw,cpu,cpuacct\n41 24 0:34 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
  const found = mounts(
    "5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc/inner\n1:name=systemd:/docker/abc\n",
    mountinfo,
  );
  expect(found.map(({ controllers, ancestry }) => [controllers, ancestry])).toEqual([
    [["rw", "cpu", "cpuacct"], ["/sys/fs/cgroup/cpu and acct"]],
    [
      ["rw", "memory"],
      ["/sys/fs/cgroup/memory/inner", "/sys/fs/cgroup/memory"],
    ],
  ]);
});

test("a namespace of control groups shows its own group as the top, and nothing climbs out of what is mounted", () => {
  const mountinfo = "40 24 0:33 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n";
  expect(mounts("0::/\n", mountinfo)[0]?.ancestry).toEqual(["/sys/fs/cgroup"]);
  expect(mounts("0::/../../other\n", mountinfo)[0]?.ancestry).toEqual(["/sys/fs/cgroup/other", "/sys/fs/cgroup"]);
});

test("nothing is mounted, or nothing can be read", () => {
  expect(mounts("0::/\n", "24 1 8:1 / / rw - ext4 /dev/sda1 rw\n")).toEqual([]);
  expect(cgroupMounts("/nowhere")).toEqual([]);
});
