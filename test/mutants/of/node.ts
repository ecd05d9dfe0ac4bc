import { type Mutant, mutant } from '../mutant.ts'

/** What a machine is given, and how K3s runs on it. */
export const node: readonly Mutant[] = [
  mutant(
    'an agent gets the server token',
    'lib/node/bundle.ts',
    "role === 'agent' ? [tokens.agent] : [tokens.server, tokens.agent]",
    '[tokens.server, tokens.agent]',
    'node/bundle',
  ),
  mutant(
    'the kubeconfig checks no name in the certificate',
    'lib/node/kubeconfig.ts',
    "'tls-server-name': wish.tlsServerName,",
    "'insecure-skip-tls-verify': true,",
    'node/keys',
  ),
  mutant(
    'the operator is signed by an authority that the API does not ask',
    'lib/node/certificates.ts',
    'return makeCertificate(authorities.client, {',
    'return makeCertificate(authorities.server, {',
    'node/certificates',
  ),
  mutant(
    'pods may swap without limit',
    'lib/node/k3s.ts',
    "swapBehavior: 'LimitedSwap'",
    "swapBehavior: 'UnlimitedSwap'",
    'node/k3s',
  ),
  mutant(
    'Secrets lie unencrypted in the datastore',
    'lib/node/k3s.ts',
    "'secrets-encryption': true,",
    '',
    'node/k3s',
  ),
  mutant(
    'user-data waits for the machine to be made, and cloud-init with it',
    'lib/node/cloud-config.ts',
    'systemctl start --no-block',
    'systemctl start',
    'node/user-data',
  ),
  mutant(
    'user-data tells the size of no text',
    'lib/node/user-data.ts',
    'if (bytes > userDataLimit)',
    'if (bytes > 2 ** 16)',
    'node/user-data',
  ),
  mutant(
    'a joining node does not check whose cluster it joins',
    'lib/node/k3s.ts',
    "const token = serverCa ? joinToken('node', node.tokens.agent, serverCa) : node.tokens.agent",
    'const token = node.tokens.agent',
    'node/k3s',
  ),
  mutant(
    'k3s starts without the block before the metadata service',
    'cloud-init/units/k3s.service.hbs',
    'ExecStartPre=/usr/local/sbin/regrow-metadata {{podCidr}}\n',
    '',
    'node/k3s',
  ),
  mutant(
    'certificates begin now, so a slow clock refuses them',
    'lib/node/certificates.ts',
    'notBefore: new Date(now.getTime() - day)',
    'notBefore: new Date(now.getTime())',
    'node/certificates',
  ),
]
