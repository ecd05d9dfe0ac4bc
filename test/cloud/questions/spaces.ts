import { z } from 'zod'
import { StoreRefusal } from '../../../lib/clients/s3.ts'
import { bucketPlaces } from '../../../lib/cluster/cluster.ts'
import { type Asked, NotMet } from '../question.ts'
import { askCloud, isAllowed, withKey } from '../sight.ts'

/** A folder that Velero knows and does not use; all of it goes with the bucket. */
const probe = 'plugins/first-contact'

/** What Spaces and their keys do. */
export const spacesQuestions: Asked[] = [
  {
    id: 'new-key',
    question: 'Is a new Spaces key known within the minute that regrow waits for it?',
    doubt: 'the time is documented nowhere',
    when: 'grown',
    ask: (sight) =>
      withKey(sight, 'read', async (_store, _bucket, known) => ({
        said: known <= 60 ? 'yes' : 'no',
        seen: `${known.toFixed(1)} s`,
      })),
    supposed: 'yes',
    wrong: 'no',
    place: 'sandbox/behaviour.ts (keyPropagationMs), lib/store/existence.ts',
  },
  {
    id: 'grant-on-a-new-bucket',
    question: 'Is a key for a bucket that was made just now granted at once?',
    doubt: 'a 403 was reported for it',
    when: 'grown',
    ask: async ({ requests }) => {
      const all = requests.filter(({ method, path }) => method === 'POST' && path === '/v2/spaces/keys')
      if (all.length === 0) return new NotMet('no key was made')
      const refused = all.find(({ status }) => status >= 400)
      return {
        said: refused ? String(refused.status) : 'yes',
        ...(refused?.message ? { seen: refused.message } : {}),
      }
    },
    supposed: 'yes',
    wrong: '403',
    place: 'sandbox/digitalocean/keys.ts',
  },
  {
    id: 'limited-key-and-versions',
    question: 'What may a key that reads and writes one bucket do with earlier versions in it?',
    doubt: 'docs/sandbox.md: unknown, played strictly (cloud.md F4)',
    when: 'last',
    ask: (sight) =>
      withKey(sight, 'readwrite', async (store, name) => {
        const bucket = store.bucket(name)
        for (const content of ['first', 'second']) await bucket.put(`${probe}/versions`, content)
        const see = await bucket.versions(`${probe}/versions`).catch((error: unknown) => {
          if (error instanceof StoreRefusal && error.status === 403) return undefined
          throw error
        })
        if (!see) return { said: 'nothing' }
        const earlier = see.find(({ isLatest }) => !isLatest)
        if (!earlier) return { said: 'there are none' }
        const erases = await isAllowed(() => bucket.remove(earlier.key, earlier.id))
        const left = await bucket.versions(`${probe}/versions`)
        return { said: erases && !left.some(({ id }) => id === earlier.id) ? 'erase' : 'see' }
      }),
    supposed: 'erase',
    wrong: 'see',
    place: 'sandbox/behaviour.ts (limitedKeyVersions)',
  },
  {
    id: 'limited-key-and-versioning',
    question: 'May such a key change whether the bucket keeps versions?',
    doubt: 'docs/sandbox.md: unknown, played strictly',
    when: 'last',
    // It asks for what is set already.
    ask: (sight) =>
      withKey(sight, 'readwrite', async (store, name) => ({
        said: (await isAllowed(() => store.keepVersions(name))) ? 'yes' : 'no',
      })),
    supposed: 'no',
    wrong: 'yes',
    place: 'sandbox/spaces/operations.ts (PUT bucket?versioning)',
  },
  {
    id: 'missing-object',
    question: 'What does a key that only reads get for an object that is not there?',
    doubt: '404 or 403',
    when: 'grown',
    ask: (sight) =>
      withKey(sight, 'read', async (store, name) => {
        try {
          const found = await store.bucket(name).get(`${probe}/missing`)
          return { said: found ? 'an object' : '404' }
        } catch (error) {
          if (error instanceof StoreRefusal && error.status) return { said: String(error.status) }
          throw error
        }
      }),
    supposed: '404',
    wrong: '403',
    place: 'sandbox/spaces/objects.ts',
  },
  {
    id: 'write-once',
    question: 'Does a Space honour If-None-Match when an object is written?',
    doubt: 'documented for other requests only',
    when: 'last',
    ask: (sight) =>
      withKey(sight, 'readwrite', async (store, name) => {
        const bucket = store.bucket(name)
        await bucket.put(`${probe}/once`, 'first')
        await bucket.put(`${probe}/once`, 'second', { once: true })
        const kept = Buffer.from((await bucket.get(`${probe}/once`)) ?? []).toString()
        return { said: kept === 'first' ? 'yes' : 'no' }
      }),
    supposed: 'yes',
    wrong: 'no',
    place: 'sandbox/spaces/objects.ts',
  },
  {
    id: 'name-of-a-removed-bucket',
    question: 'May a bucket be made again under its name as soon as it was removed?',
    doubt: 'a name may be held for a week',
    when: 'after',
    ask: (sight) =>
      withKey(sight, 'full', async (store, name) => {
        try {
          const made = await store.createBucket(name)
          if (made) await store.removeBucket(name)
          return { said: made ? 'yes' : 'no' }
        } catch (error) {
          if (error instanceof StoreRefusal && error.status) return { said: 'no', seen: error.message }
          throw error
        }
      }),
    supposed: 'yes',
    wrong: 'no',
    place: 'sandbox/behaviour.ts (heldBuckets)',
  },
  {
    id: 'grants-of-a-key',
    question: 'Does a change of a key’s grants take effect?',
    doubt: 'the description says that only the name changes',
    when: 'grown',
    ask: (sight) =>
      withKey(sight, 'read', async () => {
        const { cluster } = sight
        const key = (await cluster.cloud.spacesKeys()).find(
          ({ name, grants }) =>
            name.startsWith(`regrow-${cluster.name}-operator-`) &&
            grants.every((one) => one.permission === 'read'),
        )
        if (!key) throw new Error('the key is not listed')
        const grants = [{ bucket: bucketPlaces(cluster).velero, permission: 'readwrite' }]
        const path = `/v2/spaces/keys/${key.access_key}`
        const { status } = await askCloud('PUT', path, { name: key.name, grants })
        if (status >= 400) return { said: String(status) }
        const shape = z.object({ key: z.object({ grants: z.array(z.object({ permission: z.string() })) }) })
        const now = shape.parse((await askCloud('GET', path)).body).key.grants
        return { said: now.some(({ permission }) => permission === 'readwrite') ? 'yes' : 'no' }
      }),
    supposed: 'no',
    wrong: 'yes',
    place: 'sandbox/digitalocean/keys.ts',
  },
]
