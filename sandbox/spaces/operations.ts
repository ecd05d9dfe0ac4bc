import { type Call, empty, xml, xmlText } from './call.ts'
import type { Need } from './key.ts'
import { listObjects } from './listing.ts'
import { abortUpload, completeUpload, listParts, startUpload, uploadPart } from './multipart.ts'
import { copyObject, deleteObject, deleteObjects, getObject, putObject } from './objects.ts'
import { Refusal } from './refusal.ts'
import type { Storage } from './storage.ts'
import {
  deleteVersion,
  getLifecycle,
  getVersioning,
  listVersions,
  putLifecycle,
  putVersioning,
  versionsIn,
} from './versions.ts'
import { textOf, type Xml } from './xml.ts'

/** An operation: what it needs, and its answer. */
export interface Operation {
  need: Need
  answer(call: Call): Response
}

const on = (need: Need, answer: Operation['answer']): Operation => ({ need, answer })

const operations: Record<string, Operation> = {
  'GET service': on('full', ({ storage }) => xml('ListAllMyBucketsResult', allBuckets(storage))),
  'PUT bucket': on('full', createBucket),
  'DELETE bucket': on('full', removeBucket),
  // One address stands for every region's.
  'HEAD bucket': on('read', ({ region }) => empty(200, { 'x-amz-bucket-region': region })),
  'GET bucket': on('read', ({ storage, bucket, query }) => xmlText(listObjects(storage, bucket, query))),
  'GET bucket?location': on('read', ({ region }) => xml('LocationConstraint', region)),
  'GET bucket?versioning': on('read', getVersioning),
  'PUT bucket?versioning': on('full', putVersioning),
  'GET bucket?versions': on('past', listVersions),
  'GET bucket?lifecycle': on('read', getLifecycle),
  'PUT bucket?lifecycle': on('full', putLifecycle),
  'GET bucket?cors': on('read', notConfigured('NoSuchCORSConfiguration')),
  'GET bucket?object-lock': on('read', notConfigured('ObjectLockConfigurationNotFoundError')),
  'POST bucket?delete': on('write', deleteObjects),
  'GET object': on('read', getObject),
  'HEAD object': on('read', getObject),
  'PUT object': on('write', (call) =>
    call.headers['x-amz-copy-source'] ? copyObject(call) : putObject(call),
  ),
  'DELETE object': on('write', deleteObject),
  'GET object?versionId': on('past', getObject),
  'HEAD object?versionId': on('past', getObject),
  'DELETE object?versionId': on('erase', deleteVersion),
  'POST object?uploads': on('write', startUpload),
  'PUT object?partNumber&uploadId': on('write', uploadPart),
  'GET object?uploadId': on('read', listParts),
  'POST object?uploadId': on('write', completeUpload),
  'DELETE object?uploadId': on('write', abortUpload),
}

const plain =
  /^(x-|response-|prefix$|delimiter$|marker$|max-keys$|list-type$|continuation-token$|start-after$|encoding-type$|key-marker$|version-id-marker$|fetch-owner$|max-parts$|part-number-marker$)/i
const unknownHeaders =
  /^x-amz-(server-side-encryption|tagging|object-lock|website|grant|acl$|copy-source-(range|if))/

/**
 * The operation that a request asks for.
 * @throws Refusal 501 naming what the box's Spaces do not know
 */
export function operationOf(call: Pick<Call, 'method' | 'bucket' | 'key' | 'query' | 'headers'>): Operation {
  const about = call.key ? 'object' : call.bucket ? 'bucket' : 'service'
  const subResources = Object.keys(call.query).filter((name) => !plain.test(name))
  const name = `${call.method} ${about}${subResources.length > 0 ? `?${subResources.sort().join('&')}` : ''}`
  const operation = operations[name]
  const header = Object.keys(call.headers).find(
    (one) => unknownHeaders.test(one) && !(one === 'x-amz-acl' && call.headers[one] === 'private'),
  )
  if (!operation || header)
    throw new Refusal(
      'NotImplemented',
      `The box's Spaces do not know ${name}${operation ? ` with ${header}` : ''}.`,
    )
  return operation
}

function allBuckets(storage: Storage): Xml {
  const list = storage.buckets().map(({ name, at }) => ({ Name: name, CreationDate: at }))
  return { Owner: { ID: 'regrow-sandbox' }, Buckets: { Bucket: list } }
}

/** DigitalOcean's samples of S3 clients: the region “must be "us-east-1" when creating new Spaces”, which sends none. */
function createBucket({ storage, bucket, body }: Call): Response {
  if (storage.bucket(bucket)) throw new Refusal('BucketAlreadyExists')
  if (textOf(body.toString(), 'LocationConstraint')) throw new Refusal('InvalidLocationConstraint')
  storage.createBucket(bucket)
  return empty(200, { location: `/${bucket}` })
}

function removeBucket({ storage, bucket }: Call): Response {
  if (versionsIn(storage, bucket).length > 0) throw new Refusal('BucketNotEmpty')
  storage.removeBucket(bucket)
  return empty(204)
}

function notConfigured(code: Refusal['code']): () => Response {
  return () => {
    throw new Refusal(code)
  }
}
