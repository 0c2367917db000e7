#!/bin/sh
# Makes sure of the programs that npm cannot bring: bubblewrap (the local sandbox) and, for tests, Chromium, unzip, Python, PostgreSQL, MariaDB, Redis and NATS.
# usage: system-packages.sh bubblewrap [chromium] [unzip] [python] [postgresql] [mariadb] [redis] [nats]
# Installs what is missing on Debian and Ubuntu where it may (root, or sudo without a password), and otherwise says what
# to install. It never fails the caller: without bubblewrap the server itself refuses to start, with the remedy.
set -u

has_chromium() {
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" >/dev/null 2>&1 && return 0
  done
  [ -n "${CHROMIUM_PATH:-}" ] && [ -x "$CHROMIUM_PATH" ]
}

missing=""
for want in "$@"; do
  case "$want" in
    bubblewrap) command -v bwrap >/dev/null 2>&1 || missing="$missing bubblewrap" ;;
    unzip) command -v unzip >/dev/null 2>&1 || missing="$missing unzip" ;;
    # Fonts come along: a browser without any draws no text.
    chromium) has_chromium || missing="$missing chromium fonts-liberation" ;;
    # The virtual environments that profiles' Python packages go into, with pip in them.
    python) /usr/bin/python3 -c 'import ensurepip, pip' >/dev/null 2>&1 || missing="$missing python3 python3-pip python3-venv" ;;
    # Its programs: tests start a server of their own with them.
    postgresql) ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null 2>&1 || missing="$missing postgresql" ;;
    mariadb) command -v mariadbd >/dev/null 2>&1 || [ -x /usr/sbin/mariadbd ] || missing="$missing mariadb-server" ;;
    redis) command -v redis-server >/dev/null 2>&1 || missing="$missing redis-server" ;;
    nats) command -v nats-server >/dev/null 2>&1 || [ -x /usr/sbin/nats-server ] || missing="$missing nats-server" ;;
    *) echo "system-packages.sh: unknown program '$want'" >&2; exit 2 ;;
  esac
done
[ -z "$missing" ] && exit 0

explain() {
  echo "Missing programs:$missing ($1)."
  echo "  Install them:  sudo apt-get update && sudo apt-get install -y$missing   (or your system's way)"
  case "$missing" in
    *bubblewrap*) echo "  Or choose another sandbox:  npm start -- --sandbox modal, or, without any isolation, --sandbox unsafe-process" ;;
  esac
}

if [ "$(uname -s)" != Linux ]; then explain "they are not installed by themselves on $(uname -s)"; exit 0; fi
if ! command -v apt-get >/dev/null 2>&1; then explain "there is no apt-get here"; exit 0; fi
if [ "$(id -u)" = 0 ]; then
  sudo=""
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
  sudo="sudo -n"
else
  explain "installing them needs root, or sudo without a password"; exit 0
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "Installing system packages:$missing …"
# A new machine has no package lists yet; a broken third-party list is no reason to give up.
$sudo apt-get update -q >"$log" 2>&1 || true
# shellcheck disable=SC2086 # the names are words of their own
if $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >>"$log" 2>&1; then
  echo "Installed:$missing"
else
  tail -n 20 "$log"
  explain "apt-get could not install them; its last lines are above"
fi
exit 0
