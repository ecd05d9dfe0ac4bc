#!/usr/bin/env -S sh -c 'exec node --max-semi-space-size=4 --import "$(dirname "$(realpath "$0")")/../lib/commands/start.mjs" "$0" "$@"'
// The command-line tools that the scripts run, from their makers into .tools/, checked. On the PATH they do as well.
import { installTools, namedTools, run } from '../lib/commands/index.ts'

await run(
  {
    about: 'Fetch official doctl, kubectl, helm and velero into .tools/, checked.',
    flags: {
      only: { value: 'NAME', about: 'one tool only' },
    },
    tokens: false,
  },
  async ({ flags }) => {
    const tools = await installTools(namedTools(flags.only))
    return flags.json ? tools : undefined
  },
)
