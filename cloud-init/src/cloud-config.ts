import { dump } from 'js-yaml'
import { z } from 'zod'
import { parsed } from './spec.ts'
import { checkedYaml } from './template.ts'

const mode = z.string().regex(/^0[0-7]{3,4}$/, 'is not a mode such as 0644')
const command = z.union([z.string().min(1), z.array(z.string()).min(1)])

const file = z.strictObject({
  path: z.string().startsWith('/', 'is not an absolute path'),
  content: z.string(),
  mode: mode.default('0644'),
  owner: z.string().optional(),
})

const unit = z.strictObject({
  name: z
    .string()
    .regex(/^[\w@.:-]+\.(service|timer|socket|mount|path|target)$/, 'is not a unit such as app.service'),
  content: z.string(),
  /** Starts at every boot. */
  enable: z.boolean().default(true),
  /** Starts now, without waiting: waiting in cloud-init for a unit that waits for cloud-init never ends. */
  start: z.boolean().default(true),
})

const user = z.strictObject({
  name: z.string().regex(/^[a-z_][a-z0-9_-]*$/, 'is not a user name'),
  sshKeys: z.array(z.string()).optional(),
  groups: z.array(z.string()).optional(),
  sudo: z.string().optional(),
  shell: z.string().optional(),
})

/** What cloud-init is to do to any machine at its first boot. */
export const cloudConfig = z.strictObject({
  hostname: z.string().optional(),
  timezone: z.string().optional(),
  users: z.array(user).optional(),
  /** Public keys for the image's default user. */
  sshKeys: z.array(z.string()).optional(),
  packageUpdate: z.boolean().optional(),
  packages: z.array(z.string()).optional(),
  files: z.array(file).optional(),
  units: z.array(unit).optional(),
  /** Run once at the end of the first boot, units first: a text by the shell, a list as one command. */
  commands: z.array(command).optional(),
  /** Any other module of cloud-init by its own key. */
  more: z.record(z.string(), z.json()).optional(),
})

/** A machine's first boot as given, defaults left out. */
export type CloudConfig = z.input<typeof cloudConfig>

/**
 * The `#cloud-config` text that makes a machine so at its first boot.
 * Throws a Problem that names each field that is not right.
 */
export function renderCloudConfig(config: CloudConfig): string {
  const wish = parsed(cloudConfig, config, 'the cloud-config')
  const units = wish.units ?? []
  const commands = [...unitCommands(units), ...(wish.commands ?? [])]
  const files = [
    ...(wish.files ?? []),
    ...units.map(({ name, content }) => ({ path: `/etc/systemd/system/${name}`, content, mode: '0644' })),
  ]
  const body = defined({
    hostname: wish.hostname,
    timezone: wish.timezone,
    users: wish.users && ['default', ...wish.users.map(renderUser)],
    ssh_authorized_keys: wish.sshKeys,
    package_update: wish.packageUpdate,
    packages: wish.packages,
    write_files: files.length > 0 ? files.map(renderFile) : undefined,
    runcmd: commands.length > 0 ? commands : undefined,
    ...wish.more,
  })
  return checkedYaml(
    'the cloud-config',
    `#cloud-config\n${dump(body, { lineWidth: -1, noRefs: true, seqNoIndent: true })}`,
  )
}

function renderFile({
  path,
  content,
  mode,
  owner,
}: {
  path: string
  content: string
  mode: string
  owner?: string | undefined
}) {
  return defined({ path, permissions: mode, owner, content })
}

function renderUser({ name, sshKeys, groups, sudo, shell }: z.output<typeof user>) {
  return defined({ name, ssh_authorized_keys: sshKeys, groups, sudo, shell })
}

function unitCommands(units: z.output<typeof unit>[]): string[] {
  return units.flatMap(({ name, enable, start }) => [
    ...(enable ? [`systemctl enable ${name}`] : []),
    ...(start ? [`systemctl start --no-block ${name}`] : []),
  ])
}

function defined(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))
}
