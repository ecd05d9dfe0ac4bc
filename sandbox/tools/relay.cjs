#!/usr/bin/env node
// Stands where doctl, kubectl, helm and velero would: hands the command line to the sandbox's process over a socket
// and passes on what comes back. Plain CommonJS without dependencies, because it starts for every single call.
const { connect } = require('node:net')

const [tool, ...argv] = process.argv.slice(2)
const socket = connect(process.env.REGROW_SANDBOX_SOCKET || '/nowhere')
const send = (message) => socket.write(`${JSON.stringify(message)}\n`)
let ended = false

function take(message) {
  if (message.out) process.stdout.write(message.out)
  if (message.err) process.stderr.write(message.err)
  if (message.wants === 'stdin') sendStdin()
  if (message.exit === undefined) return
  ended = true
  process.exitCode = message.exit
  process.stdin.destroy()
  // Not end(): the other side may have paused its reading, and then the connection would never be closed.
  socket.destroy()
}

function sendStdin() {
  const pieces = []
  if (process.stdin.isTTY) return send({ stdin: '' })
  process.stdin.on('data', (piece) => pieces.push(piece))
  process.stdin.on('end', () => send({ stdin: Buffer.concat(pieces).toString() }))
}

const relevant = /^(DIGITALOCEAN_|HELM_|KUBECONFIG$|XDG_CONFIG_HOME$|HOME$)/
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => relevant.test(name)))
send({ tool, argv, cwd: process.cwd(), env })

let rest = ''
socket.setEncoding('utf8')
socket.on('data', (text) => {
  const lines = (rest + text).split('\n')
  rest = lines.pop()
  for (const line of lines) take(JSON.parse(line))
})
socket.on('error', () => {})
process.stdout.on('error', () => process.exit(0))
socket.on('close', () => {
  if (ended) return
  process.stderr.write(`${tool}: the sandbox that this command belongs to is not running\n`)
  process.exit(69)
})
