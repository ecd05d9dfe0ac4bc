import type { ChildProcessByStdio } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'

export function loadWrapper(): ChildProcessByStdio<Writable, Readable, null>
