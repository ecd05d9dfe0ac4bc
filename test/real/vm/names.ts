import { createSocket } from 'node:dgram'

/** A name server for machines. */
export interface Names {
  /** Whether it says anything. */
  silent: boolean
  close(): void
}

/** Answers every question for the address of a name with one address (RFC 1035), and every other with nothing. */
export function serveNames(host: string, answer: string): Promise<Names> {
  const socket = createSocket('udp4')
  const names: Names = { silent: false, close: () => void socket.close() }
  socket.on('message', (question, from) => {
    if (names.silent) return
    let end = 12
    while (question[end]) end += (question[end] ?? 0) + 1
    const wantsAddress = question.readUInt16BE(end + 1) === 1
    const asked = question.subarray(12, end + 5)
    const header = Buffer.from(question.subarray(0, 12))
    header.writeUInt16BE(0x8180, 2)
    header.writeUInt16BE(wantsAddress ? 1 : 0, 6)
    header.writeUInt32BE(0, 8)
    const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ...answer.split('.').map(Number)])
    const parts = wantsAddress ? [header, asked, record] : [header, asked]
    socket.send(Buffer.concat(parts), from.port, from.address)
  })
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(53, host, () => resolve(names))
  })
}
