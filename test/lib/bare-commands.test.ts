import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import ts from 'typescript'

// A command in a message acts on a cluster, in a repository, for real or in the sandbox: lib/base/hint.ts knows which. One
// that stands in a text as it is would act on the cluster “main” of the real account, whatever the run was about.

const root = fileURLToPath(new URL('../../', import.meta.url))
const script =
  /(?:^|[\s(`'“:])(?:\.{0,2}\/)?(?:scripts\/)?(?:bootstrap|restore|scale|backups?|destroy|kubeconfig|rehearse|sandbox|seal|status|tools)\.mts\b/
const tool =
  /\b(?:doctl (?:-|(?:account|auth|compute|projects|spaces)\b)|kubectl (?:-|(?:get|describe|logs|apply|create|delete|patch|drain|port-forward|edit|label)\b)|velero (?:-|(?:backup|restore|schedule) (?:get|describe|logs|create|delete)\b)|helm (?:-|(?:install|upgrade|template|list)\b)|docker (?:-|(?:run|exec|compose)\b))/

/** The texts in a source that hold a command: strings and templates, but no comment, nor what a tool is called with. */
function bare(file: string, text: string): string[] {
  const found: string[] = []
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ESNext, true)
  const visit = (node: ts.Node) => {
    const isText =
      ts.isStringLiteral(node) ||
      ts.isNoSubstitutionTemplateLiteral(node) ||
      ts.isTemplateHead(node) ||
      ts.isTemplateMiddleOrTemplateTail(node)
    if (isText && !isArgument(node)) {
      const said = node.text
      if (script.test(said) || tool.test(said)) found.push(`${file}: ${said.trim().slice(0, 100)}`)
    }
    if (!ts.isTaggedTemplateExpression(node)) ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

/** A path alone, handed to a function: it is what makes the command. */
const isArgument = (node: ts.Node & { text: string }) =>
  ts.isStringLiteral(node) && ts.isCallExpression(node.parent) && /^[\w/]+\.mts$/.test(node.text)

// The stand-ins in sandbox/tools speak with the words of the tools that they play.
const sources = ['', 'lib', 'scripts', 'examples', 'sandbox'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: folder !== '', encoding: 'utf8' })
    .filter((name) => /\.m?ts$/.test(name))
    .map((name) => join(folder, name))
    .filter((name) => !name.startsWith('sandbox/tools/')),
)

t.test('such a text is found', async (t) => {
  const has = (text: string) => bare('x.ts', text).length
  t.equal(has("const cure = './scale.mts --ha makes three.'"), 1)
  t.equal(has("const cure = 'Then run scripts/status.mts again.'"), 1)
  t.equal(has(`const cure = \`Remove it: doctl compute droplet delete \${id}\``), 1)
  t.equal(has(`const cure = \`\${a} or kubectl -n argocd get pods\``), 1)
  t.equal(has('// ./scale.mts --ha\ndoctl`compute droplet list`; command("scale.mts", "--ha")'), 0)
  t.equal(has("const said = 'doctl cannot read the account'"), 0)
})

t.test('no text of ours holds a command as it is', async (t) => {
  t.ok(sources.includes('restore.mts') && sources.includes('lib/clients/tools.ts') && sources.length > 150)
  t.same(
    sources.flatMap((name) => bare(name, readFileSync(join(root, name), 'utf8'))),
    [],
  )
})
