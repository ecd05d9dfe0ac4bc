import { randomBytes } from 'node:crypto'
import type { HttpBindings } from '@hono/node-server'
import { behaviourOf } from '../behaviour.ts'
import { serve } from '../serve.ts'
import type { World } from '../world.ts'
import { readBody } from './body.ts'
import { allows, type Need, type OfLimited, type SpacesKey } from './key.ts'
import { operationOf } from './operations.ts'
import { Refusal } from './refusal.ts'
import { checkSignature, type Signed, type Signer } from './signature.ts'
import { Storage } from './storage.ts'
import { document } from './xml.ts'

/**
 * Serves an S3 API as DigitalOcean Spaces do, on the world's address for them: objects are files in `spaces/`.
 * With keys that do not come from DigitalOcean it stands in for other stores (B2, Wasabi).
 * @param keys the keys known at this moment, asked for at each request
 */
export async function startSpaces(
  world: World,
  { keys }: { keys: () => readonly SpacesKey[] },
): Promise<{ url: string }> {
  const storage = new Storage(world.path('spaces'))
  const countWrite = writeCounter()
  const keyOf = (accessKey: string) => {
    const key = keys().find((one) => one.access_key === accessKey)
    const age = key ? Date.now() - Date.parse(key.created_at) : 0
    return age < behaviourOf(world).keyPropagationMs ? undefined : key
  }
  await serve(world, 'spaces', world.addresses.spaces, {
    fetch: async (request, { incoming }: HttpBindings) => {
      try {
        const asked = readRequest(incoming.method ?? '', incoming.url ?? '', incoming.headers)
        const signer = checkSignature(asked, keyOf)
        const operation = operationOf(asked)
        const demand = demandOf(storage, signer, behaviourOf(world).limitedKeyVersions)
        demand(asked.bucket, operation.need, asked.method === 'PUT' && !asked.key)
        if (!signer) throw new Refusal('AccessDenied')
        const body = readBody(Buffer.from(await request.arrayBuffer()), asked.headers, signer.payload)
        if (asked.method === 'PUT' && !asked.key && isHeld(world, asked.bucket))
          throw new Refusal('BucketAlreadyExists')
        const answer = operation.answer({
          ...asked,
          storage,
          body,
          region: signer.region,
          demand,
          countWrite,
        })
        answer.headers.set('x-amz-request-id', requestId())
        return answer
      } catch (error) {
        return refused(error, incoming.method === 'HEAD')
      }
    },
  })
  const { host, port } = world.addresses.spaces
  return { url: `http://${host}:${port}` }
}

const isHeld = (world: World, bucket: string) =>
  behaviourOf(world).heldBuckets.some((one) => new RegExp(one).test(bucket))

interface Asked extends Signed {
  bucket: string
  key: string
  query: Record<string, string>
}

/** Bucket and key from the path, or from the host when it is `<bucket>.<address of the store>`. */
function readRequest(
  method: string,
  url: string,
  rawHeaders: Record<string, string | string[] | undefined>,
): Asked {
  const headers = Object.fromEntries(Object.entries(rawHeaders).map(([name, value]) => [name, String(value)]))
  const [path = '/', search = ''] = url.split(/\?(.*)/s)
  const virtual = /^(.+?)\.(?:localhost|[^.]+\.digitaloceanspaces\.com|127\.\d+\.\d+\.\d+)(?::\d+)?$/.exec(
    headers.host ?? '',
  )?.[1]
  const [first = '', ...rest] = path.slice(1).split('/')
  const bucket = virtual ?? first
  const key = virtual ? path.slice(1) : rest.join('/')
  const pairs = [...new URLSearchParams(search.replaceAll('+', '%2B'))]
  return {
    method,
    path,
    headers,
    pairs,
    query: Object.fromEntries(pairs),
    bucket,
    key: decodeURIComponent(key),
  }
}

/** A missing bucket is told to everybody, as S3 does; what is in one only to a key that may know. */
function demandOf(storage: Storage, signer: Signer | undefined, versions: OfLimited) {
  return (bucket: string, need: Need, creating = false): void => {
    if (bucket && !creating && !storage.bucket(bucket)) throw new Refusal('NoSuchBucket')
    if (!signer || !allows(signer.key, bucket, need, versions)) throw new Refusal('AccessDenied')
  }
}

/** Spaces take five writes of one object in five minutes (https://docs.digitalocean.com/products/spaces/details/limits/). */
function writeCounter(): (bucket: string, key: string) => void {
  const written = new Map<string, number[]>()
  return (bucket, key) => {
    const name = `${bucket}/${key}`
    const recent = (written.get(name) ?? []).filter((at) => at > Date.now() - 300_000)
    if (recent.length >= 5) throw new Refusal('SlowDown')
    written.set(name, [...recent, Date.now()])
  }
}

function refused(error: unknown, isHead: boolean): Response {
  const known =
    error instanceof Refusal
      ? error
      : new Refusal('InternalError', `The box's Spaces broke: ${String(error)}`)
  const id = requestId()
  const body = document('Error', {
    Code: known.code,
    Message: known.message,
    RequestId: id,
    HostId: 'sandbox',
  })
  const headers = { 'content-type': 'application/xml', 'x-amz-request-id': id }
  return new Response(isHead ? null : body, { status: known.status, headers })
}

const requestId = () => `tx${randomBytes(12).toString('hex')}-sandbox`
