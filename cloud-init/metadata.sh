#!/bin/bash
# Closes the cloud's metadata service to pods, because it hands out the machine's user-data. The rule stands before
# routing, so that no pod's packet gets past it, and under a name that k3s' own clean-up leaves alone.
# metadata.sh <range of the pods>
set -euo pipefail
pods=$1
metadata=169.254.169.254

if command -v nft >/dev/null; then
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
elif command -v iptables >/dev/null; then
  iptables -w -t raw -N REGROW 2>/dev/null || iptables -w -t raw -F REGROW
  iptables -w -t raw -A REGROW -s "$pods" -d "$metadata" -j DROP
  iptables -w -t raw -C PREROUTING -j REGROW 2>/dev/null || iptables -w -t raw -I PREROUTING -j REGROW
else
  echo 'neither nft nor iptables is there to close the metadata service to pods' >&2
  exit 1
fi
