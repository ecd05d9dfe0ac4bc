#!/bin/bash
# Turns the datastore of a single server from SQLite into etcd: k3s does it itself when it starts with cluster-init.
# The database is copied first and comes back if the cluster is not the same afterwards. The outcome is also written to
# the ConfigMap kube-system/regrow-convert, whose marker proves that it is the same cluster.
# shellcheck source=step.sh
. "$(dirname "$0")/step.sh"

db=$root/var/lib/rancher/k3s/server/db
state=$root/var/lib/regrow
copy=$state/convert/db
marker=$state/convert/marker
setting=$root/etc/rancher/k3s/config.yaml.d/ha.yaml

write_map() { # state message
  kubectl create configmap regrow-convert -n kube-system --dry-run=client -o yaml \
    --from-literal=marker="$(<"$marker")" --from-literal=state="$1" --from-literal=message="$2" |
    kubectl apply --server-side --force-conflicts --field-manager=regrow -f -
}

start_k3s() {
  systemctl start --no-block k3s.service
}

await() { # seconds, then a command that is tried every two seconds
  local until=$((SECONDS + $1))
  shift
  until "$@"; do
    [ $SECONDS -lt $until ] || return 1
    sleep "${REGROW_PAUSE:-2}"
  done
}

api_answers() {
  kubectl get --raw=/readyz >/dev/null
}

# k3s says by a label that it runs etcd, and renames the old database when it has taken everything out of it.
is_same_on_etcd() {
  api_answers &&
    [ -e "$db/state.db.migrated" ] &&
    [ "$(kubectl get node "$NODE_NAME" -o 'jsonpath={.metadata.labels.node-role\.kubernetes\.io/etcd}')" = true ] &&
    [ "$(kubectl -n kube-system get configmap regrow-convert -o 'jsonpath={.data.marker}')" = "$(<"$marker")" ]
}

# With k3s stopped, so that nothing is written while or after the copy is made.
copy_database() {
  rm -rf "$copy" "$copy.new"
  await 60 api_answers || again 'The Kubernetes API does not answer, so nothing is converted.'
  place 0600 "$marker" </proc/sys/kernel/random/uuid
  write_map running 'The datastore is being converted.' || again 'The marker cannot be written.'
  systemctl stop k3s.service
  cp -a "$db" "$copy.new" || again 'There is no room for a copy of the database, so nothing is converted.'
  sync
  mv "$copy.new" "$copy"
  sync
}

# k3s is disabled meanwhile: started at boot with half of it done, it would begin an empty cluster.
take_back() {
  systemctl disable --now k3s.service
  rm -rf "$db.new" "$db.old"
  cp -a "$copy" "$db.new" || hopeless "There is no room to put the old database back; it lies in $copy."
  sync
  [ ! -e "$db" ] || mv "$db" "$db.old"
  mv "$db.new" "$db"
  rm -f "$setting"
  sync
  rm -rf "$db.old"
  systemctl enable k3s.service
  start_k3s
  await 120 api_answers || hopeless 'etcd did not take over, and k3s does not answer with the old database either.'
  write_map failed 'etcd did not take over; the old database is back.' || :
  hopeless 'etcd did not take over; the old database is back and k3s answers.'
}

say 'The datastore is being converted.'
[ "$ROLE" != agent ] || hopeless 'An agent has no datastore.'
# After a power cut in take_back there may be no database: k3s would begin an empty cluster.
if [ -e "$copy" ] && [ ! -e "$db" ]; then take_back; fi
trap start_k3s EXIT # whatever happens, the server goes on
systemctl enable k3s.service # a power cut in take_back may have left it disabled, with a whole database
if [ ! -e "$setting" ]; then
  [ -e "$db/state.db" ] || hopeless 'There is no SQLite database here to convert.'
  copy_database
  echo 'cluster-init: true' | place 0600 "$setting"
  sync
fi
start_k3s
await "${REGROW_AWAIT:-240}" is_same_on_etcd || take_back
write_map 'done' 'The datastore is etcd.' || again 'The outcome cannot be written.'
rm -rf "$copy" "$db.new" "$db.old"
say 'The datastore is etcd.'
