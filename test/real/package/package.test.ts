import { execFile, execFileSync } from 'node:child_process'
import {
  createReadStream,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createGunzip } from 'node:zlib'
import { load } from 'js-yaml'
import t from 'tap'
import { extract } from 'tar-stream'

const run = promisify(execFile)
const repository = fileURLToPath(new URL('../../..', import.meta.url))
const project = mkdtempSync(join(tmpdir(), 'regrow-package-'))
t.teardown(() => rmSync(project, { recursive: true, force: true }))

// A blank project with the packed library in it, as npm would lay it out, but without a registry: its dependencies,
// and only those that it declares, are links to the ones that are installed here.
async function makeProject(): Promise<string[]> {
  const packed = execFileSync(
    'npm',
    ['pack', '-w', 'regrow-cloud-init', '--json', '--pack-destination', project],
    {
      cwd: repository,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  )
  const [{ filename = '' } = {}] = JSON.parse(packed.slice(packed.indexOf('['))) as { filename?: string }[]
  const names = await unpack(join(project, filename), join(project, 'node_modules/regrow-cloud-init'))
  const declared = JSON.parse(
    readFileSync(join(project, 'node_modules/regrow-cloud-init/package.json'), 'utf8'),
  ) as {
    dependencies: Record<string, string>
  }
  for (const name of Object.keys(declared.dependencies)) {
    mkdirSync(dirname(join(project, 'node_modules', name)), { recursive: true })
    symlinkSync(join(repository, 'node_modules', name), join(project, 'node_modules', name))
  }
  writeFileSync(join(project, 'package.json'), '{ "type": "module", "private": true }')
  return names
}

async function unpack(tarball: string, into: string): Promise<string[]> {
  const names: string[] = []
  const reader = extract()
  const reading = (async () => {
    for await (const entry of reader) {
      const name = entry.header.name.replace(/^package\//, '')
      const chunks: Buffer[] = []
      for await (const chunk of entry as AsyncIterable<Buffer>) chunks.push(chunk)
      mkdirSync(dirname(join(into, name)), { recursive: true })
      writeFileSync(join(into, name), Buffer.concat(chunks))
      names.push(name)
    }
  })()
  await pipeline(createReadStream(tarball), createGunzip(), reader)
  await reading
  return names
}

// Prints, after everything else, each module that was loaded: by import from a hook, by require from Node's cache.
const spy = `import { createRequire, register } from 'node:module'
import { MessageChannel } from 'node:worker_threads'
const { port1, port2 } = new MessageChannel()
const loaded = new Set()
port1.on('message', (url) => loaded.add(url)).unref()
const hooks = 'let port; export const initialize = (data) => { port = data };' +
  'export const load = (url, context, next) => { port.postMessage(url); return next(url, context) }'
register('data:text/javascript,' + encodeURIComponent(hooks), { data: port2, transferList: [port2] })
process.on('beforeExit', () => {
  if (process.printed) return
  process.printed = true
  setTimeout(() => {
    for (const path of Object.keys(createRequire(import.meta.url).cache)) loaded.add(path)
    console.error(JSON.stringify([...loaded]))
  }, 50)
})
`

const examples = [
  ...readFileSync(join(repository, 'docs/library.md'), 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm),
].map(([, code = '']) => code)

t.test('a blank project that installs the package', async (t) => {
  const names = await makeProject()

  t.test('gets the library, its declarations and the node scripts, nothing else', async (t) => {
    for (const name of ['dist/index.js', 'dist/index.d.ts', 'run', 'LICENSE', 'README.md'])
      t.ok(names.includes(name), name)
    const strangers = names.filter((name) => !/^(dist\/|steps\/|units\/|[^/]+$)/.test(name))
    t.strictSame(strangers, [])
  })

  t.test('type-checks against its declarations, and is told when it is wrong', async (t) => {
    t.equal(examples.length, 3)
    for (const [index, code] of examples.entries()) writeFileSync(join(project, `example-${index}.ts`), code)
    // Each of these must be an error, or the compiler complains that it is none.
    writeFileSync(
      join(project, 'wrong.ts'),
      `import { type NodeSpec, renderUserData } from 'regrow-cloud-init'
// @ts-expect-error a field is missing and one is of the wrong type
renderUserData({ name: 1, bundleUrl: '', bundleSha256: '' })
// @ts-expect-error the result is a text
export const text: number = renderUserData({ name: '', bundleUrl: '', bundleSha256: '', bundleKey: '', startedUrl: '' })
// @ts-expect-error there is no such role
export const role: NodeSpec['role'] = 'master'
`,
    )
    const compilerOptions = {
      module: 'nodenext',
      target: 'es2023',
      lib: ['es2023'],
      // What any project for Node has; zod's declarations need it too.
      types: ['node'],
      typeRoots: [join(repository, 'node_modules/@types')],
      strict: true,
      exactOptionalPropertyTypes: true,
    }
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
    const tsc = join(repository, 'node_modules/typescript/bin/tsc')
    const said = await run(process.execPath, [tsc, '-p', project]).catch((error: { stdout: string }) => error)
    t.equal(said.stdout, '')
  })

  t.test('renders a machine, a server and an agent, with no cloud client loaded', async (t) => {
    writeFileSync(join(project, 'spy.mjs'), spy)
    for (const [index, name] of ['a machine', 'a server', 'an agent'].entries()) {
      const file = join(project, `example-${index}.js`)
      const { stdout, stderr } = await run(process.execPath, ['--import', join(project, 'spy.mjs'), file], {
        env: { PATH: process.env.PATH, NODE_OPTIONS: '' },
      })
      t.match(stdout, /^#cloud-config\n/, name)
      t.match(load(stdout.replace(/\ntrue\n$/, '\n')), { write_files: [] }, 'it is YAML')
      const loaded = JSON.parse(stderr.trim().split('\n').at(-1) ?? '[]') as string[]
      t.ok(
        loaded.some((module) => module.includes('/zod/')),
        'the list is of what was really loaded',
      )
      t.strictSame(
        loaded.filter((module) =>
          /dots-wrapper|@aws|@smithy|@octokit|\/axios|\/zx\/|sandbox|undici/.test(module),
        ),
        [],
        'no client of any cloud',
      )
    }
  })
})
