import { z } from 'zod'
import { renderCloudConfig } from './cloud-config.ts'
import { Problem } from './problem.ts'
import { parsed } from './spec.ts'
import { cloudInitFile, template } from './template.ts'

/** The most bytes of user-data that a node gets; the cloud itself would take 64 KiB. */
export const userDataLimit = 4096

const userData = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]+$/, 'is not a name of a-z, 0-9 and -'),
  bundleUrl: z.url({ protocol: /^https?$/ }),
  bundleSha256: z.string().regex(/^[0-9a-f]{64}$/, 'is not a SHA-256 in lower-case hex'),
  bundleKey: z.string().regex(/^[\w-]{22,43}$/, 'is not a key of 128 bits or more in base64url'),
  startedUrl: z.url({ protocol: /^https?$/ }),
})

/** What a node's user-data names: its bundle, and where it says that it is there. */
export type UserData = z.input<typeof userData>

/**
 * cloud-init's notes of what it need not do again. They reach the disk before the files that it wrote: after a power cut
 * within seconds of them, the script was found empty and never written again (test/real/vm). So without a mark that was
 * set after a sync, the next boot does it again.
 */
const sem = '/var/lib/cloud/instance/sem'

/**
 * The user-data of a node: one script and one unit, which fetch the bundle and hand over to it.
 * Throws a Problem when a field is not right or the text is over {@link userDataLimit}.
 */
export function renderUserData(wish: UserData): string {
  const values = parsed(userData, wish, 'the user-data')
  const text = renderCloudConfig({
    files: [
      {
        path: '/usr/local/sbin/regrow',
        mode: '0700',
        content: template<typeof values>('cloud-init/regrow.hbs', cloudInitFile('regrow.hbs'))(values),
      },
    ],
    units: [{ name: 'regrow.service', content: cloudInitFile('units/regrow.service') }],
    commands: [`sync && touch ${sem}/regrow`],
    more: {
      bootcmd: [`cd ${sem}`, '[ -e regrow ] || rm -f config_write_files config_runcmd config_scripts_user'],
    },
  })
  const bytes = Buffer.byteLength(text)
  if (bytes > userDataLimit)
    throw new Problem(`the user-data of ${values.name} has ${bytes} bytes, more than ${userDataLimit}`, {
      cure: 'use shorter URLs',
    })
  return text
}
