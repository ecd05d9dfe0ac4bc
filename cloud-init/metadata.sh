#!/bin/bash
# Closes the cloud's metadata service to pods, because it hands out the machine's user-data. The rule stands before
# routing, so that no pod's packet gets past it, and under a name that k3s' own clean-up leaves alone.
# metadata.sh <range of the pods>
set -euo pipefail
pods=$1
metadata=169.254.169.254
own=${REGROW_ROOT:-}/var/lib/rancher/k3s/data/current/bin/aux/xtables-nft-multi # k3s brings it along, once unpacked

by_nft() {
  command -v nft >/dev/null || return 1
  # Declared, deleted and made again in one transaction: right whether it was there or not.
  nft -f - <<END
table ip regrow
delete table ip regrow
table ip regrow {
  chain metadata {
    type filter hook prerouting priority raw; policy accept;
    ip saddr $pods ip daddr $metadata drop
  }
}
END
}
by_iptables() { # the program and its first words
  command -v "$1" >/dev/null || return 1
  "$@" -w -t raw -N REGROW 2>/dev/null || "$@" -w -t raw -F REGROW || return 1
  "$@" -w -t raw -A REGROW -s "$pods" -d "$metadata" -j DROP || return 1
  "$@" -w -t raw -C PREROUTING -j REGROW 2>/dev/null || "$@" -w -t raw -I PREROUTING -j REGROW
}

by_nft || by_iptables iptables || by_iptables "$own" iptables || {
  echo 'neither nft nor iptables closes the metadata service to pods' >&2
  exit 1
}
