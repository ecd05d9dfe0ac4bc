import { type Mutant, mutant } from '../mutant.ts'

/** What goes when a cluster shrinks or is destroyed. */
export const scale: readonly Mutant[] = [
  mutant(
    'etcd may lose its majority',
    'lib/scale/refusals.ts',
    'if (!joins && alive - goingAlive < majority(left))',
    'if (!joins && alive - goingAlive < 0)',
    'scale/difference',
  ),
  mutant(
    'destroy removes volumes that are the only copy',
    'lib/removal/removal.ts',
    'own.volumes.filter((one) => !isHeld(one.name))',
    'own.volumes.filter((one) => isHeld(one.name) && false)',
    'removal/removal',
  ),
  mutant(
    'a machine with nobody’s number is removed',
    'lib/scale/difference.ts',
    '!described(name) && wasGiven(wanted, name)',
    '!described(name)',
    'scale/difference',
  ),
]
