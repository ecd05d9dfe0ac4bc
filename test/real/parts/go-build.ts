import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { Problem } from '../../../lib/base/problem.ts'
import type { ToolName } from '../../../lib/commands/tools/release.ts'

/** How a command is built from its Go module. */
export interface Recipe {
  module: string
  /** The command's package, below the module; or a main of our own. */
  command: string | { main: URL }
  /** `-X` settings that make it tell its version. */
  settings: (version: string) => string[]
  /** Lines for `replace`, made from those of the module's own go.mod, which Go takes no notice of in a dependency. */
  replace?: (goMod: string, version: string) => string[]
}

/** How each of the tools is built. */
export const recipes: Record<ToolName, Recipe> = {
  doctl: {
    module: 'github.com/digitalocean/doctl',
    command: 'cmd/doctl',
    settings: (version) => {
      const [major, minor, patch] = version.split('.')
      const set = (name: string, value?: string) => `github.com/digitalocean/doctl.${name}=${value}`
      return [set('Major', major), set('Minor', minor), set('Patch', patch), set('Label', 'release')]
    },
  },
  kubectl: {
    module: 'k8s.io/kubernetes',
    command: 'cmd/kubectl',
    settings: (version) => {
      const [major, minor] = version.split('.')
      const set = (name: string, value?: string) => `k8s.io/component-base/version.${name}=${value}`
      return [set('gitVersion', `v${version}`), set('gitMajor', major), set('gitMinor', minor)]
    },
    // Its parts lie in folders of its repository; published, they carry v0 in place of v1.
    replace: (goMod, version) =>
      [...goMod.matchAll(/^\s*(?:replace\s+)?(k8s\.io\/\S+) => \.\/staging\//gm)].map(
        ([, part = '']) => `${part} => ${part} ${publishedParts[part] ?? version.replace(/^1\./, 'v0.')}`,
      ),
  },
  helm: {
    module: 'helm.sh/helm/v4',
    command: 'cmd/helm',
    settings: (version) => [`helm.sh/helm/v4/internal/version.version=v${version}`],
  },
  velero: {
    module: 'github.com/vmware-tanzu/velero',
    command: 'cmd/velero',
    settings: (version) => [`github.com/vmware-tanzu/velero/pkg/buildinfo.Version=v${version}`],
    replace: (goMod) => [
      ...replacements(goMod),
      // v0.33.12, which velero 1.18.3 asks for, is not on the Go module proxy.
      'k8s.io/cli-runtime => k8s.io/cli-runtime v0.33.5',
    ],
  },
}

/** The `replace` lines of a go.mod that name other modules, without the word `replace`. */
export function replacements(goMod: string): string[] {
  const lines = goMod.matchAll(/^\s*(?:replace\s+)?(\S+(?: v\S+)? => [^.\s]\S* v\S+)/gm)
  return [...lines].map(([, line = '']) => line)
}

// sample-cli-plugin v0.36.3 is not on the Go module proxy; kubectl does not link it.
const publishedParts: Record<string, string> = { 'k8s.io/sample-cli-plugin': 'v0.36.1' }

/** The version of Go on this machine, such as `1.26`; undefined where there is none. */
async function goVersion(): Promise<string | undefined> {
  const text = await go(['env', 'GOVERSION']).catch(() => '')
  return text.match(/^go(\d+\.\d+)/)?.[1]
}

/**
 * Builds a command from its Go module, at the exact version, by way of a small module of our own in `folder`. Go keeps
 * what it has compiled: an interrupted build goes on where it was.
 * @param version without its `v`
 * @param file where the executable is put
 * @throws Problem with what Go said last
 */
export async function buildCommand(
  name: string,
  version: string,
  { module, command, settings, replace }: Recipe,
  folder: string,
  file: string,
): Promise<void> {
  const language = await goVersion()
  mkdirSync(folder, { recursive: true })
  try {
    const replaced = replace ? replace(await goModOf(`${module}@v${version}`), version) : []
    const lines = [
      `module regrow.dev/tools/${name}`,
      `go ${language}`,
      `require ${module} v${version}`,
      ...replaced.map((line) => `replace ${line}`),
    ]
    writeFileSync(join(folder, 'go.mod'), `${lines.join('\n\n')}\n`)
    const path = typeof command === 'string' ? join(module, command) : '.'
    const source =
      typeof command === 'string'
        ? `//go:build tools\n\npackage tools\n\nimport _ "${path}"\n`
        : readFileSync(command.main)
    writeFileSync(join(folder, 'tools.go'), source)
    const flags = `-s -w ${settings(version)
      .map((one) => `-X ${one}`)
      .join(' ')}`
    await go(['build', '-mod=mod', '-ldflags', flags, '-o', file, path], folder)
  } catch (cause) {
    throw new Problem(`${name} could not be built from ${module}@v${version}: ${(cause as Error).message}`, {
      cure: `Run it again: it goes on where it was. Or install ${name} ${version} yourself.`,
      cause,
    })
  }
}

async function goModOf(module: string): Promise<string> {
  return readFileSync((await downloaded(module)).GoMod, 'utf8')
}

/** The folder in which Go keeps a module's files, read-only. @param version without its `v` */
export async function moduleFolder(module: string, version: string): Promise<string> {
  return (await downloaded(`${module}@v${version}`)).Dir
}

const download = z.object({ Dir: z.string(), GoMod: z.string() })

async function downloaded(module: string): Promise<z.infer<typeof download>> {
  return download.parse(JSON.parse(await go(['mod', 'download', '-json', module])))
}

/** @throws Error with the last lines that Go printed */
function go(words: string[], cwd?: string): Promise<string> {
  const env = { ...process.env, GOWORK: 'off' }
  const options = { env, maxBuffer: 64 << 20, ...(cwd ? { cwd } : {}) }
  return new Promise((resolve, reject) => {
    execFile('go', words, options, (error, out, said) => {
      if (!error) return resolve(out)
      reject(new Error(said.trim().split('\n').slice(-5).join('\n    ') || error.message))
    })
  })
}
