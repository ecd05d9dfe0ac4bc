#!/bin/bash
# Installs k3s with the addresses found here, and waits until this machine is a Ready node.
# shellcheck source=step.sh
. "$(dirname "$0")/step.sh"

unit=k3s
[ "$ROLE" != agent ] || unit=k3s-agent
binary=$root/usr/local/bin/k3s
config=$root/etc/rancher/k3s
data=$root/var/lib/rancher/k3s

is_right() { # file: it is there and has the digest
  [ -e "$1" ] && echo "$K3S_SHA256  $1" | sha256sum -c --status
}

fetch_k3s() {
  local code=0 status from=${K3S_URL%%\?*} # a signed URL is for this machine alone
  if is_right "$binary"; then return; fi
  mkdir -p "$(dirname "$binary")"
  status=$(curl -K - -fsSL --connect-timeout 30 -m 240 -o "$binary.new" -w '%{http_code}' <<<"url = \"$K3S_URL\"") || code=$?
  case $code in
    0) ;;
    6) again "k3s cannot be fetched: the name in $from cannot be resolved, DNS does not work here." ;;
    22) again "k3s cannot be fetched: $from answers $status." ;;
    28) again "k3s cannot be fetched: $from does not answer in time, or its name cannot be resolved." ;;
    35 | 60) again "k3s cannot be fetched: TLS with the server of $from failed; the clock here says $(date -u)." ;;
    *) again "k3s cannot be fetched from $from: curl ended with code $code." ;;
  esac
  is_right "$binary.new" ||
    hopeless "k3s from $from is not the one that was asked for: its SHA-256 is $(sha256sum <"$binary.new" | cut -c-64) instead of $K3S_SHA256."
  chmod 0755 "$binary.new"
  sync
  mv "$binary.new" "$binary"
}

# "<device> <address>" in the private range, rather not where the default route leaves: DigitalOcean gives that device
# an address of its own in 10.0.0.0/8 too, for reserved IPs.
private_address() {
  local public found
  public=$(ip -4 route show default | sed -n 's/.* dev \([^ ]*\).*/\1/p' | head -n 1)
  found=$(ip -4 -o addr show to "$NETWORK_CIDR" | sed -n 's/^[0-9]*: *\([^ ]*\) *inet \([0-9.]*\).*/\1 \2/p')
  { grep -v "^$public " <<<"$found" || echo "$found"; } | head -n 1
}

place_addresses() {
  local device address external=$EXTERNAL_ADDRESS
  read -r device address <<<"$(private_address)"
  [ -n "$address" ] || again "This machine has no address in the private network $NETWORK_CIDR yet."
  # No packet is sent: the kernel says which address it would send from.
  [ -n "$external" ] || external=$(ip -4 route get 192.0.2.1 | sed -n 's/.* src \([0-9.]*\).*/\1/p')
  {
    echo "node-ip: $address"
    echo "flannel-iface: $device"
    [ -z "$external" ] || [ "$external" = "$address" ] || echo "node-external-ip: $external"
    # By default k3s would advertise the external address, which pods cannot reach the API by.
    [ "$ROLE" = agent ] || echo "advertise-address: $address"
  } | place 0600 "$config/config.yaml.d/10-addresses.yaml"
}

# Closed before k3s starts; the unit does it again at every start. k3s unpacks itself when it is called.
close_metadata() {
  place 0755 "$root/usr/local/sbin/regrow-metadata" <"$bundle/metadata.sh"
  if "$root/usr/local/sbin/regrow-metadata" "$POD_CIDR"; then return; fi
  kubectl version --client || :
  "$root/usr/local/sbin/regrow-metadata" "$POD_CIDR" ||
    again 'The metadata service cannot be closed to pods: neither nft nor iptables took the rule.'
}

place_files() {
  local file number mode path
  mkdir -p "$data"
  (umask 077 && mkdir -p "$data/agent/etc/kubelet.conf.d")
  place 0600 "$config/config.yaml" <"$bundle/k3s/config.yaml"
  for file in audit admission; do
    [ ! -e "$bundle/k3s/$file.yaml" ] || place 0600 "$config/$file.yaml" <"$bundle/k3s/$file.yaml"
  done
  place 0644 "$root/etc/systemd/system/$unit.service" <"$bundle/k3s/$unit.service"
  for file in "$bundle"/k3s/kubelet.conf.d/*.conf; do
    place 0600 "$data/agent/etc/kubelet.conf.d/${file##*/}" <"$file"
  done
  if [ -e "$bundle/files/list" ]; then
    while read -r number mode path; do
      place "$mode" "$root$path" <"$bundle/files/$number"
    done <"$bundle/files/list"
  fi
}

# Before its first start k3s takes these as its own. client-admin.crt must not be among them: with it k3s would never
# write the kubeconfig that `k3s kubectl` reads here.
place_authorities() {
  local file
  if [ ! -d "$bundle/k3s/tls" ] || [ -e "$data/server/db" ]; then return; fi
  mkdir -p "$data"
  (umask 077 && mkdir -p "$data/server/tls/etcd")
  while read -r file; do
    place 0600 "$data/server/tls/$file" <"$bundle/k3s/tls/$file"
  done < <(cd "$bundle/k3s/tls" && find . -type f -printf '%P\n')
}

reach_server() { # only whether it answers: the token carries the hash by which k3s checks who it is
  [ -n "$JOIN" ] || return 0
  local answer
  answer=$(curl -ksS -m 10 "$JOIN/ping" 2>&1) ||
    again "The server to join, $JOIN, cannot be reached from here: $answer"
}

node_ready() {
  local as=()
  [ "$ROLE" != agent ] || as=(--kubeconfig "$data/agent/kubelet.kubeconfig")
  [ "$(kubectl "${as[@]}" get node "$NODE_NAME" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')" = True ]
}

say "k3s $K3S_VERSION is being fetched."
fetch_k3s
close_metadata
place_addresses
place_files
place_authorities
reach_server
systemctl daemon-reload
systemctl enable "$unit.service"
say "$unit was started, but $NODE_NAME is not a Ready node yet."
systemctl start --no-block "$unit.service"
until node_ready; do sleep 2; done
if [ "$ROLE" = first-server ] && [ "$DATASTORE" = sqlite ]; then
  for file in regrow-convert.service regrow-convert.path; do
    place 0644 "$root/etc/systemd/system/$file" <"$bundle/units/$file"
  done
  systemctl daemon-reload
  systemctl enable --now regrow-convert.path
fi
say "$NODE_NAME is Ready with k3s $K3S_VERSION."
