import { load } from 'js-yaml'
import t from 'tap'
import { renderCloudConfig } from '../src/index.ts'

t.test('a machine that has nothing to do with k3s', async (t) => {
  const text = renderCloudConfig({
    hostname: 'mail',
    timezone: 'Europe/Berlin',
    users: [
      { name: 'ada', sshKeys: ['ssh-ed25519 AAAA ada'], sudo: 'ALL=(ALL) NOPASSWD:ALL', groups: ['adm'] },
    ],
    packageUpdate: true,
    packages: ['postfix'],
    files: [{ path: '/etc/app.conf', content: 'a = 1\n', mode: '0640', owner: 'root:adm' }],
    units: [{ name: 'app.service', content: '[Service]\nExecStart=/bin/true\n', start: false }],
    commands: [['touch', '/tmp/it is here'], 'echo done'],
    more: { ssh_pwauth: false },
  })
  t.match(text, /^#cloud-config\n/)
  t.strictSame(load(text), {
    hostname: 'mail',
    timezone: 'Europe/Berlin',
    users: [
      'default',
      {
        name: 'ada',
        ssh_authorized_keys: ['ssh-ed25519 AAAA ada'],
        groups: ['adm'],
        sudo: 'ALL=(ALL) NOPASSWD:ALL',
      },
    ],
    package_update: true,
    packages: ['postfix'],
    write_files: [
      { path: '/etc/app.conf', permissions: '0640', owner: 'root:adm', content: 'a = 1\n' },
      {
        path: '/etc/systemd/system/app.service',
        permissions: '0644',
        content: '[Service]\nExecStart=/bin/true\n',
      },
    ],
    runcmd: ['systemctl enable app.service', ['touch', '/tmp/it is here'], 'echo done'],
    ssh_pwauth: false,
  })
})

t.test('texts that an older YAML reads as something else are quoted', async (t) => {
  const text = renderCloudConfig({
    files: ['yes', 'off', '0700', '12:30', 'null', '1e3', '~'].map((content) => ({ path: '/x', content })),
  })
  for (const content of ['yes', 'off', '0700', '12:30', 'null', '1e3', '~'])
    t.match(text, new RegExp(`content: (['"])${content}\\1\\n`), content)
})

t.test('a script is written as it reads', async (t) => {
  t.match(
    renderCloudConfig({ files: [{ path: '/x', content: '#!/bin/sh\necho "a: b"\n' }] }),
    /\n {2}content: \|\n {4}#!\/bin\/sh\n {4}echo "a: b"\n/,
  )
})

t.test('what is not right is refused with its field', async (t) => {
  t.throws(
    () => renderCloudConfig({ files: [{ path: 'x', content: '' }] }),
    /files\.0\.path is not an absolute path/,
  )
  t.throws(
    () => renderCloudConfig({ files: [{ path: '/x', content: '', mode: '644' }] }),
    /mode is not a mode/,
  )
  t.throws(() => renderCloudConfig({ units: [{ name: 'a b', content: '' }] }), /units\.0\.name is not a unit/)
  t.throws(() => renderCloudConfig({ pakages: ['x'] } as object), /pakages/)
})
