#!/bin/bash
# Readies the machine itself: memory, kernel, shutdown.
# shellcheck source=step.sh
. "$(dirname "$0")/step.sh"

add_swap() { # 2 GiB, so that a burst of memory slows a small machine down instead of ending k3s
  local file=$root/swapfile
  if [ ! -e "$file" ]; then
    rm -f "$file.new"
    fallocate -l 2GiB "$file.new" || {
      rm "$file.new" # what it got of the disk
      again 'There is no room on the disk for 2 GiB of swap.'
    }
    chmod 0600 "$file.new"
    mkswap "$file.new"
    sync
    mv "$file.new" "$file"
  fi
  grep -q '^/swapfile ' "$root/etc/fstab" || {
    cat "$root/etc/fstab"
    echo '/swapfile none swap sw 0 0'
  } | place 0644 "$root/etc/fstab"
  swapon --noheadings --show=NAME | grep -qx "$file" || swapon "$file"
}

ready_kernel() {
  local module
  for module in overlay br_netfilter wireguard; do
    modprobe "$module" || hopeless "The kernel of this image has no module $module, which k3s needs here."
  done
  printf '%s\n' overlay br_netfilter wireguard | place 0644 "$root/etc/modules-load.d/regrow.conf"
  # The name that sorts last counts: with other values the kubelet does not start (protect-kernel-defaults).
  place 0644 "$root/etc/sysctl.d/zz-regrow.conf" <<'END'
net.ipv4.ip_forward = 1
net.bridge.bridge-nf-call-iptables = 1
# Swap is for what sleeps, not a second memory.
vm.swappiness = 20
vm.overcommit_memory = 1
vm.panic_on_oom = 0
# A machine nobody sits at starts again by itself.
kernel.panic = 10
kernel.panic_on_oops = 1
kernel.keys.root_maxkeys = 1000000
kernel.keys.root_maxbytes = 25000000
# Many small containers watch many files.
fs.inotify.max_user_instances = 1024
fs.inotify.max_user_watches = 524288
END
  sysctl -q -p "$root/etc/sysctl.d/zz-regrow.conf"
}

ready_shutdown() { # the kubelet may take its time to stop pods (shutdownGracePeriod), logs stay small
  # The name that sorts last counts, /usr/lib's among them: unattended-upgrades has a file with 30 there, and with less
  # than it wishes for the kubelet gives the whole shutdown up (kubernetes/kubernetes#102818).
  printf '[Login]\nInhibitDelayMaxSec=90\n' | place 0644 "$root/etc/systemd/logind.conf.d/zz-regrow.conf"
  systemctl kill -s HUP systemd-logind.service || :
  printf '[Journal]\nSystemMaxUse=200M\n' | place 0644 "$root/etc/systemd/journald.conf.d/90-regrow.conf"
}

say 'The machine is being readied.'
[ -e "$root/sys/fs/cgroup/cgroup.controllers" ] ||
  hopeless 'This image boots with control groups of version 1, which the kubelet refuses; use Debian 13 or Ubuntu 24.04.'
ready_kernel
add_swap
ready_shutdown
say 'The machine is ready for k3s.'
