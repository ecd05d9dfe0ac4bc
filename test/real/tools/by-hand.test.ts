import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import t, { type Test } from 'tap'
import { toolsFolder } from '../../../lib/base/tools-folder.ts'
import { openTestBox } from '../../flows/box.ts'

// What a person may try in the box beyond what flows do, by the REAL doctl and kubectl against the SIMULATED cloud and
// cluster: answered, or one clear refusal that says whose it is. Read as a shell reads it; `$d` is the droplet's number.

const answered = {
  doctl: `doctl account ratelimit
doctl projects list
doctl projects get default
doctl projects update $(doctl projects list --format Name,ID --no-header | awk '/regrow/{print $2}') --description mine
doctl projects resources get do:droplet:$d
doctl compute region list
doctl compute size list
doctl compute image list-distribution
doctl compute image list --public
doctl compute image list-user
doctl compute image get debian-13-x64
doctl compute droplet list --format ID,Name,PublicIPv4,PrivateIPv4,Status,Tags
doctl compute droplet list --region fra1
doctl compute droplet get main-1 --format Name,VCPUs,Memory,Disk
doctl compute droplet get main-1 --template '{{.Name}}'
doctl compute action list
doctl compute action get $(doctl compute droplet actions $d --format ID --no-header | head -n 1)
doctl compute firewall list-by-droplet $d
doctl compute firewall add-rules $f --inbound-rules protocol:tcp,ports:22,address:203.0.113.7
doctl compute firewall remove-rules $f --inbound-rules protocol:tcp,ports:22,address:203.0.113.7
doctl compute ssh-key update $(doctl compute ssh-key list --format ID --no-header) --key-name main-key
doctl compute tag get regrow:main
doctl compute volume create photos --region fra1 --size 1GiB
doctl compute volume snapshot $(doctl compute volume list --format ID,Name --no-header | awk '/photos/{print $1}') --snapshot-name photos-1
doctl compute snapshot list
doctl compute snapshot list --resource volume
doctl compute volume-action resize $(doctl compute volume list --format ID,Name --no-header | awk '/photos/{print $1}') --region fra1 --size 2
doctl compute droplet-action reboot $d
doctl compute reserved-ip get $(doctl compute reserved-ip list --format IP --no-header)
doctl compute floating-ip list
doctl vpcs get $(doctl vpcs list --format ID,Name --no-header | awk '/main/{print $1}')
doctl spaces keys list
doctl spaces keys create mine --grants 'bucket=;permission=fullaccess'
doctl spaces keys update $(doctl spaces keys list --format AccessKey,Name --no-header | awk '/mine/{print $1}') --name mine-2 --grants 'bucket=;permission=fullaccess'
doctl compute droplet create second --region fra1 --size s-1vcpu-1gb --image debian-13-x64 --wait
doctl compute droplet delete second --force`,
  kubectl: `kubectl get all -A
kubectl get nodes -o wide
kubectl get nodes --show-labels
kubectl get pods -A --field-selector status.phase=Running
kubectl get pods -n argocd -o custom-columns=N:.metadata.name
kubectl get apps -A
kubectl get storageclasses
kubectl get events -A --sort-by=.lastTimestamp
kubectl get node main-1 -o yaml
kubectl get --raw /version
kubectl get backups -n velero
kubectl describe node main-1
kubectl describe application root -n argocd
kubectl describe pvc -n hello
kubectl api-resources
kubectl api-versions
kubectl version
kubectl cluster-info
kubectl logs -n argocd deploy/argocd-server --tail 5
kubectl create namespace mine
kubectl create configmap one --from-literal a=b -n mine
kubectl create secret generic two --from-literal a=b -n mine
kubectl run box --image busybox -n mine
kubectl label configmap one -n mine x=y
kubectl annotate configmap one -n mine x=y
kubectl patch configmap one -n mine --type json -p '[{"op":"replace","path":"/data/a","value":"d"}]'
kubectl taint node main-1 a=b:NoSchedule
kubectl taint node main-1 a-
kubectl delete pod box -n mine
kubectl delete namespace mine --timeout 60s`,
}
const [noSuch, simulated] = ['the sandbox has no', 'paper cluster: ']
const refused: Record<'doctl' | 'kubectl', [string, string][]> = {
  doctl: [
    ['doctl balance get', noSuch],
    ['doctl compute droplet snapshots $d', noSuch],
    ['doctl compute droplet-action enable-backups $d', noSuch],
    ['doctl compute domain list', noSuch],
    ['doctl compute certificate list', noSuch],
    ['doctl kubernetes cluster list', noSuch],
    ['doctl databases list', noSuch],
    ['doctl apps list', noSuch],
  ],
  kubectl: [
    ['kubectl exec -n hello hello-0 -- ls /', simulated],
    ['kubectl port-forward -n argocd svc/argocd-server 8080:443', simulated],
    ['kubectl create token default', simulated],
    ['kubectl create deployment web --image nginx', simulated],
    ['kubectl top nodes', 'Metrics API not available'],
    ['kubectl auth whoami', 'is not enabled in the cluster'],
  ],
}

const absent = ['doctl', 'kubectl'].filter((name) => !existsSync(join(toolsFolder(), name)))
t.test(
  'the real doctl and kubectl in the box',
  {
    skip: absent.length > 0 && `NOT WITNESSED: ${absent.join(', ')} not in ${toolsFolder()}`,
    timeout: 600_000,
  },
  async (t) => {
    const box = await openTestBox(t)
    const grown = await box.run('bootstrap.mts')
    t.equal(grown.code, 0, grown.err)
    const env = { PATH: [toolsFolder(), process.env.PATH].join(delimiter) }
    const before =
      'd=$(doctl compute droplet list --format ID --no-header); f=$(doctl compute firewall list --format ID --no-header)\n'
    const shell = (line: string) => box.run('bash', ['-c', `${before}${line}`], { env })
    const least = { doctl: 30, kubectl: 20 }
    for (const tool of ['doctl', 'kubectl'] as const)
      await t.test(tool, async (t: Test) => {
        const lines = answered[tool].split('\n')
        t.ok(lines.length >= least[tool], `${lines.length} command lines`)
        for (const line of lines) {
          const { code, err } = await shell(line)
          t.equal(code, 0, `${line}\n${err}`)
        }
        for (const [line, words] of refused[tool]) {
          const { code, err } = await shell(line)
          t.not(code, 0, line)
          t.match(err, words, line)
        }
      })
  },
)
