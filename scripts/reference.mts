#!/usr/bin/env -S npx tsx
// Writes docs/cluster-yaml.md: every key of cluster.yaml, from the schema that checks it.
import { writeFileSync } from 'node:fs'
import { referencePage } from '../lib/cluster/reference.ts'

writeFileSync(new URL('../docs/cluster-yaml.md', import.meta.url), referencePage())
