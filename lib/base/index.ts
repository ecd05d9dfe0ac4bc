// What flows use of this folder.

export { confirmName } from './confirm.ts'
export { DryRunEnd, isDryRun } from './dry-run.ts'
export { leaveProxiesOut } from './environment.ts'
export { command, doctlHint, finishedBy, hint, line, portForward, useKubeconfig } from './hint.ts'
export { names } from './names.ts'
export { printable } from './printable.ts'
export { Problem } from './problem.ts'
export { readDocuments, readText, readYaml } from './read-text.ts'
export { Field } from './result.ts'
export { script } from './script.ts'
export { tell } from './story.ts'
