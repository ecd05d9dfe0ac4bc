import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * A script in the place of k3s, for what needs no Kubernetes: its node is Ready unless the machine has a file
 * /never-ready, and it takes all that it is given. @returns its path, in the folder
 */
export function k3sScript(folder: string): string {
  const file = join(folder, 'k3s')
  writeFileSync(
    file,
    `#!/bin/bash
if [ "$1" != kubectl ]; then exec systemd-notify --ready --exec ';' sleep infinity; fi
if [ -e /never-ready ]; then echo 'connection refused, says the script in place of k3s' >&2; exit 1; fi
case "$*" in *jsonpath=*Ready*) echo True ;; esac
`,
  )
  return file
}
