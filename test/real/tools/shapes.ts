/** One command line: `{name}` stands for a value kept from an earlier answer. */
export interface Shape {
  line: string
  input?: string
  /** Values to keep: name, and where in the JSON answer, such as `0.id`. */
  keep?: Record<string, string>
  /** Repeated until it succeeds: the thing it needs is still being made. */
  patiently?: true
  /** The real tool itself fails here. */
  fails?: true
  /** Words that may differ between the real tool and the stand-in by their kind: tables, texts for people. */
  text?: true
}

/** What doctl is run with in every flow. */
export const isolation = '--config /dev/null --http-retry-max 0 --output json'

const rules =
  "--inbound-rules 'protocol:tcp,ports:6443,address:0.0.0.0/0,address:::/0 protocol:icmp,address:0.0.0.0/0' --outbound-rules 'protocol:tcp,ports:all,address:0.0.0.0/0,address:::/0 protocol:udp,ports:all,address:0.0.0.0/0,address:::/0 protocol:icmp,address:0.0.0.0/0,address:::/0'"

/** Every way in which flows and people in the box call doctl, in an order that can be played on a fresh account. */
export const doctlShapes: Shape[] = [
  { line: 'account get' },
  {
    line: "projects create --name regrow-main --purpose 'Kubernetes cluster' --environment Production --description 'Grown by regrow: cluster main'",
    keep: { project: '0.id' },
  },
  { line: 'compute tag create regrow:main' },
  { line: 'vpcs create --name main-network --region fra1 --ip-range 10.110.0.0/20', keep: { vpc: '0.id' } },
  {
    line: 'vpcs create --name other-network --region fra1 --ip-range 10.111.0.0/20',
    keep: { other: '0.id' },
  },
  {
    line: `compute firewall create --name main-firewall ${rules} --tag-names regrow:main`,
    keep: { firewall: '0.id' },
  },
  { line: `compute firewall update {firewall} --name main-firewall ${rules} --tag-names regrow:main` },
  { line: 'compute ssh-key import main-key --public-key-file key.pub', keep: { key: '0.id' } },
  { line: 'compute ssh-key import main-key --public-key-file key.pub', fails: true },
  {
    line: 'compute reserved-ip create --region fra1 --project-id {project}',
    keep: { address: '0.ip' },
  },
  {
    line: "spaces keys create regrow-main-setup --grants 'bucket=;permission=fullaccess'",
    keep: { full: '0.access_key' },
  },
  {
    line: "spaces keys create regrow-main-velero-1 --grants 'bucket=one;permission=readwrite,bucket=two;permission=read'",
    keep: { scoped: '0.access_key' },
  },
  {
    line: 'compute droplet create main-1 --region fra1 --size s-1vcpu-2gb --image debian-13-x64 --vpc-uuid {vpc} --ssh-keys {key} --tag-names regrow:main --project-id {project} --droplet-agent=false --enable-monitoring --user-data-file user-data',
    keep: { droplet: '0.id' },
  },
  { line: 'compute reserved-ip-action assign {address} {droplet}', patiently: true },
  { line: 'compute droplet get {droplet}' },
  { line: 'compute droplet get main-1' },
  { line: 'compute droplet get nobody', fails: true },
  { line: 'compute droplet list' },
  { line: 'compute droplet list --tag-name regrow:main' },
  { line: 'compute droplet actions {droplet}' },
  { line: 'projects resources assign {project} --resource=do:droplet:{droplet}' },
  { line: 'projects resources list {project}' },
  { line: 'compute reserved-ip list' },
  { line: 'compute reserved-ip get {address}' },
  { line: 'compute droplet untag {droplet} --tag-name regrow:main' },
  { line: 'compute droplet tag {droplet} --tag-name regrow:main' },
  { line: 'compute droplet-action power-off {droplet}', patiently: true },
  { line: 'compute droplet-action resize {droplet} --size s-2vcpu-2gb', patiently: true },
  { line: 'compute droplet-action power-on {droplet}', patiently: true },
  { line: 'compute droplet-action power-cycle {droplet}', patiently: true },
  { line: 'compute droplet-action reboot {droplet}', patiently: true },
  { line: 'compute droplet-action shutdown {droplet}', patiently: true },
  { line: 'compute droplet-action shutdown notanumber', fails: true },
  { line: 'compute volume list' },
  { line: 'compute volume delete 00000000-0000-4000-8000-000000000000 --force', fails: true },
  { line: 'compute volume-action detach 00000000-0000-4000-8000-000000000000 {droplet}', fails: true },
  { line: 'compute snapshot list --resource volume' },
  { line: 'compute snapshot delete 12345 --force', fails: true },
  { line: 'compute load-balancer list' },
  { line: 'compute load-balancer delete 00000000-0000-4000-8000-000000000000 --force', fails: true },
  { line: 'compute region list' },
  { line: 'compute size list' },
  { line: 'compute tag list' },
  { line: 'compute firewall list' },
  { line: 'compute firewall get {firewall}' },
  { line: 'compute ssh-key list' },
  { line: 'vpcs list' },
  { line: 'vpcs get {vpc}' },
  { line: 'projects list' },
  { line: 'projects get {project}' },
  { line: 'spaces keys list' },
  { line: 'compute reserved-ip-action unassign {address}', patiently: true },
  { line: 'spaces keys delete {full}' },
  { line: 'spaces keys delete {scoped}' },
  { line: 'compute droplet delete {droplet} --force', patiently: true },
  { line: 'compute droplet delete {droplet} --force', fails: true },
  { line: 'compute reserved-ip delete {address} --force', patiently: true },
  { line: 'compute firewall delete {firewall} --force' },
  { line: 'compute ssh-key delete {key} --force' },
  { line: 'compute tag delete regrow:main --force' },
  { line: 'vpcs delete {other} --force', patiently: true },
  { line: 'vpcs delete {vpc} --force', fails: true },
  { line: 'projects delete {project} --force', patiently: true },
  { line: 'projects create --name only', fails: true },
  { line: 'compute droplet create', fails: true },
  { line: 'compute tag delete regrow:main', fails: true },
]

const manifest = JSON.stringify({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'one', namespace: 'kube-system' },
  data: { a: 'b' },
})

/** Every way in which flows and people in the box call kubectl. */
export const kubectlShapes: Shape[] = [
  { line: 'version -o json' },
  { line: 'get nodes -o json' },
  { line: 'get node main-1 -o json' },
  { line: 'get node main-9 -o json', fails: true },
  { line: 'get node main-9 --ignore-not-found -o json' },
  {
    line: `get node main-1 --request-timeout 5s -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'`,
  },
  { line: "get nodes -o 'jsonpath={.items[*].metadata.name}'" },
  { line: 'get pods -A -l no=such -o json' },
  { line: 'get pods,persistentvolumeclaims -A -o json' },
  { line: 'get applications.argoproj.io -n argocd -o json', fails: true },
  { line: 'apply --server-side --force-conflicts --field-manager argocd-controller -f -', input: manifest },
  { line: 'apply --server-side -f -', input: manifest },
  { line: 'get configmap one -n kube-system -o json' },
  { line: "get --raw '/api/v1/configmaps?limit=1'" },
  { line: "get --raw '/api/v1/configmaps?limit=500'" },
  { line: "get --raw '/api/v1/nopes?limit=500'", fails: true },
  { line: 'get configmap/one namespace/kube-system -n kube-system -o json' },
  { line: 'annotate configmap one -n kube-system regrow.dev/x=y --overwrite' },
  { line: 'annotate configmap one -n kube-system regrow.dev/x-' },
  { line: 'label configmap one -n kube-system x=y' },
  { line: `patch configmap one -n kube-system --type merge -p '{"data":{"x":"y"}}'` },
  { line: `patch configmap one -n kube-system --type merge -p '{"data":{"x":"y"}}'` },
  { line: 'wait --for=condition=Ready node/main-1 --timeout 5s' },
  { line: 'wait --for=condition=Ready node main-9 --timeout 1s', fails: true },
  { line: 'wait --for=condition=Never node/main-1 --timeout 1s', fails: true },
  { line: "wait --for=jsonpath='{.data.x}'=y configmap/one -n kube-system --timeout 5s" },
  { line: 'wait --for=create configmap/one -n kube-system --timeout 5s' },
  { line: 'wait --for=create configmap/two -n kube-system --timeout 1s', fails: true },
  { line: 'wait --for=delete configmap/two -n kube-system --timeout 5s' },
  { line: 'cordon main-1' },
  { line: 'drain main-1 --ignore-daemonsets --delete-emptydir-data --timeout 10s' },
  { line: 'uncordon main-1' },
  { line: 'uncordon main-1' },
  { line: 'annotate node main-1 regrow.dev/cordoned=scale --overwrite' },
  {
    line: 'drain main-1 --ignore-daemonsets --delete-emptydir-data --timeout 10s --force --disable-eviction',
  },
  { line: 'uncordon main-1' },
  { line: 'annotate node main-1 regrow.dev/cordoned-' },
  {
    line: 'taint nodes main-1 node.kubernetes.io/out-of-service=nodeshutdown:NoExecute --overwrite',
  },
  { line: 'get volumeattachments --request-timeout 10s -o json' },
  { line: 'get poddisruptionbudgets --all-namespaces -o json' },
  { line: 'get pods --all-namespaces --request-timeout 10s -o json' },
  { line: 'get backupstoragelocations.velero.io -n velero --request-timeout 10s -o json' },
  { line: 'get backups.velero.io -n velero --request-timeout 10s -o json' },
  { line: 'get backupstoragelocations.velero.io default -n velero --ignore-not-found -o json' },
  { line: 'get persistentvolumeclaims --all-namespaces --request-timeout 10s -o json' },
  {
    line: 'get events --all-namespaces --field-selector reason=ProvisioningFailed --request-timeout 10s -o json',
  },
  { line: 'get persistentvolumes --request-timeout 20s -o json' },
  { line: 'api-resources --verbs=list -o name', text: true },
  { line: 'get persistentvolumeclaims,persistentvolumes,storageclasses.storage.k8s.io,pods -A -o json' },
  { line: 'get secrets,namespaces,deployments.apps -A -l velero.io/exclude-from-backup=true -o json' },
  { line: 'get csinodes.storage.k8s.io -o json' },
  { line: 'get pods -n kube-system -l velero.io/backup-name -o json' },
  { line: "get namespace kube-system -o 'jsonpath={.metadata.uid}'" },
  { line: 'delete pod,secret none -n kube-system --ignore-not-found' },
  { line: 'delete node main-9 --ignore-not-found' },
  { line: 'rollout status deployment/none -n kube-system', fails: true },
  { line: 'delete configmap one -n kube-system --wait=false' },
  { line: 'delete configmap one -n kube-system', fails: true },
  { line: 'delete configmap one -n kube-system --ignore-not-found' },
  { line: 'get secret none -n kube-system --ignore-not-found -o json' },
  { line: 'get configmaps none -n kube-system --ignore-not-found -o name' },
  { line: 'delete pods -n kube-system -l no=such --wait=false' },
  { line: 'delete pods -n kube-system -l k8s-app=kube-dns --wait=false' },
  { line: 'get nodes,pods,pvc -A', text: true },
  { line: 'get nodes', text: true },
  { line: 'get secrets', text: true },
  { line: 'get nopes', text: true, fails: true },
]

/** Every way in which flows call velero. */
export const veleroShapes: Shape[] = [
  { line: 'version --client-only', text: true },
  {
    line: 'backup create first --ttl 336h --csi-snapshot-timeout 25m --snapshot-move-data=true --annotations regrow.dev/commit=df6bbed3275d6171258cfb2dcebe94373f5aeaec --include-cluster-resources=true --exclude-resources events,datauploads.velero.io --item-operation-timeout 24h',
  },
  { line: 'backup create first --ttl 336h', fails: true },
  { line: 'backup create passing --ttl 336h --resource-policies-configmap regrow-unbound-claims' },
  { line: 'backup create labelled --labels a=b,c=d --storage-location default --item-operation-timeout 4h' },
  { line: 'backup create nowhere --storage-location nowhere', fails: true },
  { line: 'backup get first -o json' },
  { line: 'backup get none -o json', fails: true },
  { line: 'backup get -o json' },
  {
    line: 'restore create r1 --from-backup first --exclude-namespaces argocd,velero --exclude-resources leases.coordination.k8s.io,endpoints --existing-resource-policy none',
  },
  {
    line: 'restore create r3 --from-backup first --include-cluster-resources=true --preserve-nodeports=true --exclude-resources pods,jobs.batch --item-operation-timeout 24h --parallel-files-download 8',
  },
  {
    line: 'restore create r4 --from-backup first --include-namespaces hello,shop --include-resources persistentvolumeclaims,persistentvolumes --include-cluster-resources=true --parallel-files-download 8',
  },
  { line: 'restore create r2 --from-backup none', fails: true },
  { line: 'restore get r1 -o json' },
]

/** Every way in which flows call helm. */
export const helmShapes: Shape[] = [
  { line: 'version --short', text: true },
  {
    line: 'template argocd argo-cd.tgz --namespace argocd --kube-version v1.36.5 --include-crds --values -',
    input: 'a: b\n',
  },
  { line: 'template argocd none.tgz --namespace argocd', fails: true },
]
