#!/usr/bin/env -S sh -c 'exec node --max-semi-space-size=4 --import "$(dirname "$(realpath "$0")")/../lib/start.mjs" "$0" "$@"'
// Writes docs/cluster-yaml.md: every key of cluster.yaml, from the schema that checks it.
import { writeFileSync } from 'node:fs'
import { referencePage } from '../lib/cluster/reference.ts'

writeFileSync(new URL('../docs/cluster-yaml.md', import.meta.url), referencePage())
