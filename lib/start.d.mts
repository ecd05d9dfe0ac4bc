import type { ChildProcessByStdio } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'

/**
 * Has the sandbox's wrapper load in a process of its own, once. It opens a world when it reads a line, prints its
 * environment as a line of JSON, and goes when its standard input ends, so that it goes even when this process is killed.
 * Until `child.ref()` it keeps this process from nothing.
 * @returns the process, and a promise that it ended
 */
export function loadWrapper(): {
  child: ChildProcessByStdio<Writable, Readable, null>
  gone: Promise<unknown>
}
