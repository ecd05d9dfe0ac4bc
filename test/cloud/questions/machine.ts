import { type Look, toldOf } from '../look.ts'
import type { OfTheMachine } from '../question.ts'

const is = (name: string) => (look: Look) => ({ said: toldOf(look, name) })
const image = 'test/real/vm (its image), cloud-init/'
const unseen = 'nothing that we could read tells'

/** What the image contains and what our steps make of it. */
export const machineQuestions: OfTheMachine[] = [
  {
    id: 'firewall-program',
    question: 'With which program can the image close the metadata service?',
    doubt: unseen,
    read: is('firewall'),
    supposed: 'nft',
    wrong: 'none',
    place: image,
  },
  {
    id: 'python3',
    question: 'Has the image python3?',
    doubt: unseen,
    read: is('python3'),
    supposed: 'there',
    wrong: 'none',
    place: image,
  },
  {
    id: 'resolver',
    question: 'Who resolves names?',
    doubt: unseen,
    read: is('resolver'),
    supposed: '/run/systemd/resolve/stub-resolv.conf',
    wrong: '/etc/resolv.conf',
    place: image,
  },
  {
    id: 'unattended-upgrades',
    question: 'Does the image bring unattended-upgrades, whose file for logind sorts behind others?',
    doubt: 'docs/evidence.md: not known of DigitalOcean’s images',
    read: is('upgrades'),
    supposed: 'there',
    wrong: 'none',
    place: image,
  },
  {
    id: 'time-to-stop',
    question: 'Does logind give the kubelet the time to stop pods?',
    doubt: 'docs/evidence.md: seen on our own image',
    read: (look) => {
      const seconds = Number(toldOf(look, 'inhibit'))
      return {
        said: seconds >= 60 && Number(toldOf(look, 'kubelet-lock')) > 0 ? 'yes' : 'no',
        seen: `${seconds} s`,
      }
    },
    supposed: 'yes',
    wrong: 'no',
    place: 'cloud-init/ (zz-regrow.conf)',
  },
  {
    id: 'swap',
    question: 'Has the machine 2 GiB of swap?',
    doubt: unseen,
    read: (look) => {
      const mib = Number(toldOf(look, 'swap'))
      return { said: mib >= 2000 ? 'yes' : 'no', seen: `${mib} MiB` }
    },
    supposed: 'yes',
    wrong: 'no',
    place: image,
  },
  {
    id: 'private-interface',
    question: 'Is the private network on eth1?',
    doubt: unseen,
    read: (look) => ({ said: toldOf(look, 'private') || 'no' }),
    supposed: 'eth1',
    wrong: 'no',
    place: 'cloud-init/, test/real/vm',
  },
  {
    id: 'anchor',
    question: 'Has eth0 an anchor address beside its own?',
    doubt: 'packets for the reserved address come there',
    read: (look) => ({ said: Number(toldOf(look, 'anchor')) > 0 ? 'yes' : 'no' }),
    supposed: 'yes',
    wrong: 'no',
    place: 'docs/security.md, test/real/vm',
  },
  {
    id: 'datasource',
    question: 'Which source does cloud-init take?',
    doubt: 'docs/sandbox.md: the config drive’s files are as somebody’s listing shows',
    read: is('datasource'),
    supposed: 'DataSourceConfigDrive',
    wrong: 'DataSourceDigitalOcean',
    place: 'test/real/vm',
  },
  {
    id: 'routes',
    question: 'How does the config drive tell the way out: as a gateway or as routes?',
    doubt: 'docs/sandbox.md: never seen; as a route the machine had none',
    read: (look) => ({ said: toldOf(look, 'routes'), seen: toldOf(look, 'drive') }),
    supposed: 'gateway',
    wrong: 'routes',
    place: 'test/real/vm (config drive)',
  },
  {
    id: 'clock',
    question: 'Is the clock set by the network?',
    doubt: unseen,
    read: is('clock'),
    supposed: 'yes',
    wrong: 'no',
    place: image,
  },
  {
    id: 'firewall-of-the-image',
    question: 'Is a firewall of the image’s own in the way?',
    doubt: 'ufw said to be there, inactive',
    read: (look) => {
      const said = toldOf(look, 'ufw')
      return { said: said === 'none' || said.endsWith('inactive') ? 'no' : 'yes', seen: said }
    },
    supposed: 'no',
    wrong: 'yes',
    place: image,
  },
  {
    id: 'read-ahead',
    question: 'How many KiB does the disk read ahead?',
    doubt: 'docs/memory.md: its limits were measured at 128',
    read: is('readahead'),
    supposed: '128',
    wrong: '8192',
    place: 'docs/memory.md',
  },
  {
    id: 'metadata',
    question: 'Is the metadata service closed to pods under k3s’ own routing?',
    doubt: 'docs/evidence.md: “k3s’ routing not met”',
    read: is('metadata'),
    supposed: 'closed',
    wrong: 'open',
    place: 'cloud-init/ (metadata rule)',
  },
  {
    id: 'containerd-limit',
    question: 'Does containerd run without k3s’ GOMEMLIMIT?',
    doubt: 'docs/memory.md: read in its source',
    read: (look) => ({
      said: toldOf(look, 'containerd-limit') === 'off' ? 'yes' : 'no',
      seen: toldOf(look, 'containerd-limit'),
    }),
    supposed: 'yes',
    wrong: 'no',
    place: 'cloud-init/src/k3s.ts',
  },
  {
    id: 'audit-log',
    question: 'Does k3s write the audit log?',
    doubt: 'docs/security.md: k3s was not started with these files',
    read: is('audit'),
    supposed: 'written',
    wrong: 'none',
    place: 'cloud-init/src/k3s.ts',
  },
  {
    id: 'killed-for-memory',
    question: 'How often did the kernel kill for memory?',
    doubt: 'docs/memory.md: nothing was measured on a droplet',
    read: is('oom'),
    supposed: '0',
    wrong: '3',
    place: 'docs/memory.md, manifests/ (limits)',
  },
]
