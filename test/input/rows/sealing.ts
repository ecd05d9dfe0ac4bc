import { box } from './boxes.ts'
import { paste, type Row } from './row.ts'

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
      'torn.yaml is no YAML: unexpected end of the stream within a flow collection (1:11)',
      'Give one document of YAML or JSON.',
    ],
  },
  {
    run: 'seal.mts map.yaml --certificate map.yaml',
    given: () =>
      box.file('map.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {}\ndata: {a: not base64}\n'),
    code: 2,
    says: [
      'this is no Secret that can be sealed: kind must be one of Secret; metadata.name is missing; data.a is no base64',
      'Give a manifest of kind Secret with data or stringData.',
    ],
  },
  {
    run: 'seal.mts secret.yaml --certificate secret.yaml',
    given: () => box.file('secret.yaml', 'apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n'),
    code: 2,
    says: [
      'this is no certificate to seal with',
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
