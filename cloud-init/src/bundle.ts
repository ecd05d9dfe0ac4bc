import { createCipheriv, createHash, pbkdf2Sync } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { authorityFiles, type ClusterAuthorities } from './certificates.ts'
import { k3sUnit, renderK3sConfig, renderK3sUnit, renderKubeletConfig } from './k3s.ts'
import { Problem } from './problem.ts'
import { installSteps, type Step } from './reports.ts'
import { secretsIn } from './secrets.ts'
import { type Node, type NodeSpec, parseNode } from './spec.ts'
import { checkedYaml, cloudInitFile, shellWord } from './template.ts'

/** What goes into a node's bundle. */
export interface BundleSpec {
  node: NodeSpec
  /** Needed for a first server, which is given the files; a joining node checks its token against the server CA. */
  authorities?: ClusterAuthorities
  /** Manifests by file name, applied in the order of their names by a first server. */
  kubernetes?: Record<string, string>
  /** Signed PUT URL by step. */
  reports: Partial<Record<Step, string>>
  /** Signed DELETE URL of the bundle itself. */
  deleteUrl: string
}

/** A file of the bundle: text and mode by its path. */
export type BundleFiles = Record<string, { text: string; mode: number }>

const scripts = [
  'run',
  'report.py',
  'metadata.sh',
  'steps/step.sh',
  'steps/host.sh',
  'steps/k3s.sh',
  'steps/argocd.sh',
  'steps/convert.sh',
]

/**
 * Packs what a machine needs to become this node as tar.gz, encrypted: the same wish and key give the same bytes.
 * Throws a Problem when a part that the role needs is missing or a manifest is no YAML.
 * @param key 128 bits or more in base64url, of this bundle alone; the node's user-data carries it
 */
export async function renderBundle(
  wish: BundleSpec,
  key: string,
): Promise<{ bytes: Uint8Array; sha256: string }> {
  const bytes = sealBundle(await tarGz(bundleFiles(wish)), key)
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') }
}

/**
 * Encrypts a bundle so that `openssl aes-256-ctr -d -pbkdf2` opens it with the key as passphrase. Each key seals one
 * bundle, so it needs no salt; a changed byte is told by the SHA-256 in the user-data.
 */
export function sealBundle(bytes: Uint8Array, key: string): Uint8Array {
  const salt = Buffer.alloc(8)
  const derived = pbkdf2Sync(key, salt, 10_000, 48, 'sha256')
  const cipher = createCipheriv('aes-256-ctr', derived.subarray(0, 32), derived.subarray(32))
  return Buffer.concat([Buffer.from('Salted__'), salt, cipher.update(bytes), cipher.final()])
}

/** The files of a node's bundle, unpacked. Throws as {@link renderBundle} does. */
export function bundleFiles(wish: BundleSpec): BundleFiles {
  const node = parseNode(wish.node)
  checkWish(node, wish)
  const k3sConfig = renderK3sConfig(node, wish.authorities?.server.cert)
  return {
    ...texts(0o700, Object.fromEntries(scripts.map((name) => [name, cloudInitFile(name)]))),
    ...texts(0o600, {
      'node.env': renderNodeEnvironment(node),
      'delete-url': `${wish.deleteUrl}\n`,
      ...under('reports', reportUrls(wish.reports)),
      secrets: secretsIn(tokensOf(node), wish.kubernetes ?? {}),
      tokens: secretsIn(tokensOf(node), {}),
      ...extraFiles(node),
      'k3s/config.yaml': k3sConfig,
      [`k3s/${k3sUnit(node)}.service`]: renderK3sUnit(node),
      ...under('units', units(node)),
      'k3s/kubelet.conf.d/10-regrow.conf': renderKubeletConfig(node),
      ...(node.role === 'agent' ? {} : under('k3s', policies())),
      ...(node.role === 'first-server' && wish.authorities
        ? under('k3s/tls', authorityFiles(wish.authorities))
        : {}),
      ...under('kubernetes', wish.kubernetes ?? {}),
    }),
  }
}

function checkWish(node: Node, wish: BundleSpec): void {
  if (node.role === 'first-server' && !wish.authorities)
    throw new Problem(`the bundle of ${node.name} lacks the cluster's authorities`, {
      cure: 'give those of the kit, or make them',
    })
  if (node.role !== 'first-server' && wish.kubernetes)
    throw new Problem(`${node.name} joins a cluster, so it applies no manifests`, { cure: 'leave them out' })
  for (const [name, text] of Object.entries(wish.kubernetes ?? {})) {
    if (!/^\d\d-[a-z0-9.-]+\.yaml$/.test(name))
      throw new Problem(`the manifest ${name} is not named like 10-argocd.yaml`, { cure: 'rename it' })
    checkedYaml(`the manifest ${name}`, text)
  }
  for (const step of installSteps(node.role))
    if (!wish.reports[step])
      throw new Problem(`the bundle of ${node.name} lacks the report URL of step ${step}`, {
        cure: 'sign one for each step of the role',
      })
}

// The server token decrypts the cluster's keys, so an agent never learns it.
function tokensOf({ role, tokens }: Node): string[] {
  return role === 'agent' ? [tokens.agent] : [tokens.server, tokens.agent]
}

function renderNodeEnvironment(node: Node): string {
  const values = {
    CLUSTER: node.cluster,
    NODE_NAME: node.name,
    ROLE: node.role,
    DATASTORE: node.datastore,
    K3S_VERSION: node.k3s.version,
    K3S_URL: node.k3s.url,
    K3S_SHA256: node.k3s.sha256,
    POD_CIDR: node.podCidr,
    NETWORK_CIDR: node.network,
    EXTERNAL_ADDRESS: node.externalAddress ?? '',
    JOIN: node.join ?? '',
  }
  return Object.entries(values)
    .map(([key, value]) => `${key}=${shellWord(value)}\n`)
    .join('')
}

function units(node: Node): Record<string, string> {
  const converts = node.role === 'first-server' && node.datastore === 'sqlite'
  const names = converts ? ['regrow-convert.service', 'regrow-convert.path'] : []
  return Object.fromEntries(names.map((name) => [name, cloudInitFile(`units/${name}`)]))
}

// What the API server writes into its log, and what it warns of.
function policies(): Record<string, string> {
  return Object.fromEntries(['audit.yaml', 'admission.yaml'].map((name) => [name, cloudInitFile(name)]))
}

// One line for each extra file: its number, mode and path; the texts lie beside it.
function extraFiles(node: Node): Record<string, string> {
  if (node.files.length === 0) return {}
  const list = node.files.map(({ mode, path }, index) => `${index} ${mode} ${path}\n`).join('')
  return {
    'files/list': list,
    ...Object.fromEntries(node.files.map(({ content }, index) => [`files/${index}`, content])),
  }
}

function under(folder: string, files: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [`${folder}/${name}`, text]))
}

function reportUrls(reports: BundleSpec['reports']): Record<string, string> {
  const given = Object.entries(reports).filter(([, url]) => url !== undefined)
  return Object.fromEntries(given.map(([step, url]) => [step, `${url}\n`]))
}

function texts(mode: number, files: Record<string, string>): BundleFiles {
  return Object.fromEntries(Object.entries(files).map(([path, text]) => [path, { text, mode }]))
}

async function tarGz(files: BundleFiles): Promise<Uint8Array> {
  const { pack } = await import('tar-stream')
  const tar = pack()
  for (const [name, { text, mode }] of Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)))
    tar.entry({ name, mode, mtime: new Date(0), uid: 0, gid: 0, uname: 'root', gname: 'root' }, text)
  tar.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk)
  const bytes = gzipSync(Buffer.concat(chunks), { level: 9 })
  bytes[9] = 255 // The header's "made on which system" differs between machines; 255 means unknown.
  return new Uint8Array(bytes)
}
