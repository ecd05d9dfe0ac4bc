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
  mutant(
    'an unfinished restore is known by the described server alone',
    'lib/server/restoration.ts',
    'one.droplets.some(among(droplets)) ||',
    '',
    'server/restoration',
  ),
  mutant(
    'nothing is refused while a restore is unfinished',
    'lib/server/restoration.ts',
    'if (found) throw refusal(cluster, found, otherwise)',
    '',
    'server/restoration',
  ),
  mutant(
    'a record that cannot be read stands in nobody’s way',
    'lib/server/restoration.ts',
    'if (!read.success)',
    'if (!read.success) return undefined\n  if (!read.success)',
    'server/restoration',
  ),
  mutant(
    'another backup is brought back while one is unfinished',
    'lib/server/course.ts',
    'begun.backup !== backup && !asked.instead',
    'begun.backup !== backup && false',
    'server/restoration',
  ),
  mutant(
    'scale takes machines that a restore left for its own',
    'lib/scale/survey.ts',
    '(await earlierMachines(kit)).filter(',
    '(await earlierMachines(kit)).slice(0, 0).filter(',
    'server/restoration',
  ),
  mutant(
    'what was replaced goes whatever the proof says',
    'lib/server/earlier.ts',
    'if (!mayRemove) {',
    'if (false) {',
    'server/restoration',
  ),
  mutant(
    'a volume goes though its content was not proven',
    'lib/server/earlier.ts',
    'there.filter(({ id }) => provenVolumes.has(id))',
    'there',
    'server/restoration',
  ),
  mutant(
    'the same --add buys once more',
    'lib/scale/mend.ts',
    'if (left.length === 0) return wish',
    'return wish',
    'scale/again',
  ),
  mutant(
    'a volume that a person made goes with what was replaced',
    'lib/server/earlier.ts',
    'provenVolumes.has(id) && !imported',
    'provenVolumes.has(id)',
    'server/restoration',
  ),
]
