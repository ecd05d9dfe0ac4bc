# shellcheck shell=bash
# Sourced by each step: where things are, and how a step speaks and ends. A step may be repeated at any time.
set -euo pipefail
umask 022
root=${REGROW_ROOT:-}
export HOME=${HOME:-/root}
bundle=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
mkdir -p "$root/run/regrow"
# shellcheck source=/dev/null
. "$bundle/node.env"

say() { # plain words: how it stands. The last ones before a step ends are its report's message.
  printf '%s\n' "$*" >"$root/run/regrow/message"
  echo "$*"
}
again() { # ends the step for now; it is repeated until its deadline
  say "$*"
  exit 1
}
hopeless() { # ends the step for good: no repetition can help
  say "$*"
  exit 3
}
place() { # mode target: writes standard input to a file, whole or not at all, never wider open than it ends up
  mkdir -p "$(dirname "$2")"
  (umask 077 && cat >"$2.new")
  chmod "$1" "$2.new"
  mv "$2.new" "$2"
}
kubectl() {
  "$root/usr/local/bin/k3s" kubectl "$@"
}
