import { setTimeout as sleep } from 'node:timers/promises'
import { quote } from 'zx/core'
import { type Answer, run } from '../../sandbox/tools-ground.ts'
import type { Shape } from './shapes.ts'

/** Where a scenario is played: the folder with the tool, its environment, the folder it runs in, words put before. */
export interface Stage {
  binDir: string
  tool: string
  env: NodeJS.ProcessEnv
  cwd: string
  before: string
}

/** Plays the shapes one after the other, as a shell would read them. @returns each with what the tool answered */
export async function play(stage: Stage, shapes: readonly Shape[]): Promise<[Shape, Answer][]> {
  const kept: Record<string, string> = {}
  const played: [Shape, Answer][] = []
  for (const shape of shapes) {
    const line = shape.line.replace(/\{(\w+)\}/g, (all, name) => kept[name] ?? all)
    const script = `exec ${quote(`${stage.binDir}/${stage.tool}`)} ${stage.before} ${line}`
    let answer = await shell(stage, script, shape.input)
    for (let attempt = 1; shape.patiently && answer.code !== 0 && attempt < 40; attempt++) {
      await sleep(50)
      answer = await shell(stage, script, shape.input)
    }
    for (const [name, path] of Object.entries(shape.keep ?? {}))
      kept[name] = String(path.split('.').reduce<unknown>(step, parsed(answer.out)))
    played.push([shape, answer])
  }
  return played
}

function shell(stage: Stage, script: string, input = ''): Promise<Answer> {
  return run('/bin', ['sh', '-c', script], { HOME: stage.cwd, ...stage.env }, { cwd: stage.cwd, input })
}

const step = (value: unknown, key: string) => (value as Record<string, unknown> | undefined)?.[key]

/** JSON as a value, or undefined for any other text. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Every key in a JSON value as a path, lists as `[]`; empty lists and nulls end a path. */
export function keysOf(value: unknown, at = ''): Set<string> {
  if (value === null || typeof value !== 'object') return new Set(at ? [at] : [])
  const below = Array.isArray(value)
    ? value.map((one) => keysOf(one, `${at}[]`))
    : Object.entries(value).map(([key, one]) => keysOf(one, at ? `${at}.${key}` : key))
  return new Set([...(at ? [at] : []), ...below.flatMap((some) => [...some])])
}

/** The requests to a service in a world's log, less ids, addresses, search words and what was refused for the moment. */
export function requestsIn(log: string, service: string): string[] {
  const lines = log.trim().split('\n').filter(Boolean)
  const seen = lines.map((line) => JSON.parse(line) as Record<string, string>)
  return seen
    .filter((one) => one.service === service && !/^409|^422|^423/.test(String(one.status)))
    .map((one) => `${one.method} ${one.path?.split('?')[0]} ${one.status}`)
    .map((line) => line.replace(/(coredns)-\w+/, '$1'))
    .map((line) => line.replace(/[0-9a-f]{8}-[0-9a-f-]{27}|\/(\d+(\.\d+){3}|DO\w+|\d+)(?=\/| )/g, '/*'))
}
