#!/bin/sh
# Runs tests in a kernel of their own that has control groups of version 2 alone, whatever this machine has.
# Needs root and Debian's package user-mode-linux. The kernel sees this machine's files read-only. Slow: one processor, no KVM.
#   scripts/try-cgroup-v2.sh packages/runtime/src/sandbox/local/limits
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
node=$(dirname "$(command -v node)")
init=$(mktemp /var/tmp/init-XXXXXX)
trap 'rm -f "$init"' EXIT
cat >"$init" <<END
#!/bin/sh
export PATH="$node:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" HOME=/tmp NO_COLOR=1 CI=1
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev 2>/dev/null
mount -t tmpfs -o size=1G tmpfs /tmp; mount -t tmpfs tmpfs /run
mkdir -p /dev/shm; mount -t tmpfs tmpfs /dev/shm; ln -sf /proc/self/fd /dev/fd
mount -t cgroup2 none /sys/fs/cgroup
ip link set lo up
cd "$root"
for folder in node_modules/.vite node_modules/.vite-temp test-results; do [ -d \$folder ] && mount -t tmpfs tmpfs \$folder; done
node node_modules/vitest/vitest.mjs run --reporter=verbose --testTimeout 300000 --hookTimeout 300000 $*
poweroff -f
END
chmod +x "$init"
linux.uml mem=3G root=/dev/root rootfstype=hostfs rootflags=/ ro "init=$init" con=null con0=fd:0,fd:1 </dev/null | cat
