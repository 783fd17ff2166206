/** The commands on watches that outlive their first event, and the removal of any. */
import type { WatchKind } from '../client/types.ts'
import { answer, pathOf, type ZnodeCommand } from './cli-command.ts'
import { CliFailure } from './exit-codes.ts'

/** By zkCli's option; the first one given counts, as there. */
const kindOptions: readonly (readonly [letter: string, long: string, kind: WatchKind, meaning: string])[] = [
  ['c', 'children', 'children', 'those set by ls -w'],
  ['d', 'data', 'data', 'those set by get -w and stat -w'],
  ['p', 'persistent', 'persistent', 'persistent ones'],
  ['r', 'recursive', 'recursive', 'persistent recursive ones'],
  ['a', 'any', 'any', 'all; so it is without an option'],
]

export const watchCommands: readonly ZnodeCommand[] = [
  {
    kind: 'znode',
    name: 'addWatch',
    takes: '<path>',
    summary: 'tells of every change of a znode, which may be missing',
    options: [
      {
        flags: '-m, --mode <mode>',
        meaning: 'PERSISTENT: of the znode and its children; PERSISTENT_RECURSIVE, as without -m: of all below as well',
      },
    ],
    async run(input, context) {
      const path = pathOf(input)
      const mode = (input.valueOf('mode') ?? 'PERSISTENT_RECURSIVE').toUpperCase()
      if (mode !== 'PERSISTENT' && mode !== 'PERSISTENT_RECURSIVE') {
        throw new CliFailure('usage', `"${mode}" is no mode: there are PERSISTENT and PERSISTENT_RECURSIVE`)
      }
      const recursive = mode === 'PERSISTENT_RECURSIVE'
      await context.client.watch(path, context.newWatcher('for-good'), { recursive })
      answer(context, { path, mode, added: true }, [])
    },
  },
  {
    kind: 'znode',
    name: 'removewatches',
    takes: '<path>',
    summary: "removes the session's watches of a path",
    options: [
      ...kindOptions.map(([letter, long, , meaning]) => ({ flags: `-${letter}, --${long}`, meaning })),
      { flags: '-l, --local', meaning: 'forget them even if there is no connection to tell the server' },
    ],
    async run(input, context) {
      const path = pathOf(input)
      const kind = kindOptions.find(([, long]) => input.has(long))?.[2] ?? 'any'
      await context.client.removeWatches(path, kind, { isLocalEnough: input.has('local') })
      answer(context, { path, kind, removed: true }, [])
    },
  },
]
