import { createDecipheriv, createHash, pbkdf2Sync } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { untar } from '../cluster/tar.ts'
import { type Machine, StepFailure } from './machine.ts'

/**
 * Fetches the bundle as the script in the user-data does: what is not there yet is waited for, a changed byte or an
 * expired URL is final.
 * @throws StepFailure
 */
export async function fetchBundle(machine: Machine): Promise<void> {
  const { orders, disk } = machine
  const bytes = await download(machine)
  if (createHash('sha256').update(bytes).digest('hex') !== orders.bundleSha256)
    throw new StepFailure('the bundle differs from its digest')
  await disk.store((folder) => unpack(opened(bytes, orders.bundleKey), folder))
}

/**
 * The bundle's object is not needed any more: the node deletes it, so that the URL in the user-data leads nowhere.
 * @returns whether that worked
 */
export async function deleteBundle(machine: Machine): Promise<boolean> {
  const url = machine.disk.read('delete-url')?.trim()
  return url !== undefined && machine.send('DELETE', url)
}

async function download(machine: Machine): Promise<Buffer> {
  const { bundleUrl } = machine.orders
  const isOver = machine.patience(600)
  for (;;) {
    let why: string
    try {
      const response = await machine.request(bundleUrl)
      if (response.status === 200) return Buffer.from(await response.arrayBuffer())
      why = `${response.status} ${(await response.text()).replace(/[^A-Za-z0-9 .:<>]/g, '').slice(0, 200)}`
    } catch (error) {
      why = `000 ${(error as Error).message}`
    }
    if (!machine.isOn) throw new StepFailure('powered off')
    if (hasExpired(bundleUrl)) throw new StepFailure('the URL of the bundle has expired')
    if (isOver()) throw new StepFailure(`the bundle cannot be fetched: ${why}`)
    await machine.pause(5, 100)
  }
}

function hasExpired(url: string): boolean {
  const { searchParams } = new URL(url)
  const signed = searchParams.get('X-Amz-Date')?.match(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/)
  if (!signed) return false
  const [, year, month, day, hour, minute, second] = signed
  const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Date.now() > at + Number(searchParams.get('X-Amz-Expires')) * 1000
}

/** As `openssl aes-256-ctr -d -pbkdf2` opens it. @throws StepFailure */
function opened(bytes: Buffer, key: string): Buffer {
  if (bytes.subarray(0, 8).toString() !== 'Salted__')
    throw new StepFailure('the bundle cannot be unpacked', { log: 'bad magic number' })
  const derived = pbkdf2Sync(key, bytes.subarray(8, 16), 10_000, 48, 'sha256')
  const decipher = createDecipheriv('aes-256-ctr', derived.subarray(0, 32), derived.subarray(32))
  const tar = Buffer.concat([decipher.update(bytes.subarray(16)), decipher.final()])
  if (tar.readUInt16BE(0) !== 0x1f8b)
    throw new StepFailure('the bundle cannot be unpacked', { log: 'gzip: stdin: not in gzip format' })
  return tar
}

async function unpack(bytes: Buffer, folder: string): Promise<void> {
  for (const [name, text] of await untar(bytes)) {
    const file = join(folder, name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text, { mode: 0o600 })
  }
}
