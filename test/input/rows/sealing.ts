import { box } from './boxes.ts'
import { paste, type Row } from './row.ts'

const manifests = 'Give manifests of kind Secret, each with data or stringData; `---` stands between two.'

/** What cannot be sealed, and a kit or a cluster that is not there. */
export const sealing: Row[] = [
  {
    run: 'seal.mts --certificate missing.pem',
    code: 2,
    says: ['missing.pem cannot be read', 'Name a file that is there.'],
  },
  {
    run: 'seal.mts torn.yaml --certificate torn.yaml',
    given: () => box.file('torn.yaml', 'a: [secret'),
    code: 2,
    says: [
      'torn.yaml is not valid YAML: unexpected end of the stream within a flow collection (1:11)',
      'Fix it there: YAML and JSON are both taken.',
    ],
  },
  {
    run: 'seal.mts map.yaml --certificate map.yaml',
    given: () =>
      box.file('map.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {}\ndata: {a: not base64}\n'),
    code: 2,
    says: ['this cannot be sealed: it is a ConfigMap, not a Secret', manifests],
  },
  {
    run: 'seal.mts two.yaml --certificate two.yaml',
    given: () =>
      box.file(
        'two.yaml',
        'apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Secret\ndata: {a: not base64}\n',
      ),
    code: 2,
    says: ['document 2 cannot be sealed: metadata is missing; data.a is not base64', manifests],
  },
  {
    run: 'seal.mts nothing.yaml --certificate nothing.yaml',
    given: () => box.file('nothing.yaml', '---\n'),
    code: 2,
    says: ['nothing.yaml is empty', 'Name a file with at least one Secret, or pipe one in.'],
  },
  {
    run: 'seal.mts secret.yaml --certificate secret.yaml',
    given: () => box.file('secret.yaml', 'apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n'),
    code: 2,
    says: [
      'not a sealing certificate',
      `${paste('scripts/seal.mts', '--save-certificate', 'FILE')} writes the cluster’s.`,
    ],
  },
  {
    run: 'seal.mts secret.yaml',
    code: 1,
    says: ['there is no kit of a cluster “main”', `${paste('bootstrap.mts', '--name', 'main')} grows it.`],
  },
  {
    run: 'kubeconfig.mts --name ghost',
    code: 1,
    says: [
      'there is no cluster “ghost” at DigitalOcean',
      `${paste('bootstrap.mts', '--name', 'ghost')} grows it.`,
    ],
  },
]
