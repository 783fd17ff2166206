/** The commands that set persistent watches and remove watches of any kind. */
import type { WatchKind } from '../client/types.ts'
import { answer, pathOf, type ZnodeCommand } from './cli-command.ts'
import { CliFailure } from './exit-codes.ts'

/** The kinds of watches by zkCli's options. If several are given, the first in this order is used, as in zkCli. */
const kindOptions: readonly (readonly [letter: string, long: string, kind: WatchKind, meaning: string])[] = [
  ['c', 'children', 'children', 'the watches of ls -w'],
  ['d', 'data', 'data', 'the watches of get -w and stat -w'],
  ['p', 'persistent', 'persistent', 'persistent watches'],
  ['r', 'recursive', 'recursive', 'persistent recursive watches'],
  ['a', 'any', 'any', 'all watches; the default'],
]

export const watchCommands: readonly ZnodeCommand[] = [
  {
    kind: 'znode',
    name: 'addWatch',
    takes: '<path>',
    summary: 'prints every change of a znode, which need not exist',
    options: [
      {
        flags: '-m, --mode <mode>',
        meaning: 'PERSISTENT: the znode and its list of children; PERSISTENT_RECURSIVE, the default: the whole subtree',
      },
    ],
    async run(input, context) {
      const path = pathOf(input)
      const mode = (input.valueOf('mode') ?? 'PERSISTENT_RECURSIVE').toUpperCase()
      if (mode !== 'PERSISTENT' && mode !== 'PERSISTENT_RECURSIVE') {
        throw new CliFailure('usage', `"${mode}" is not a mode; write PERSISTENT or PERSISTENT_RECURSIVE`)
      }
      const recursive = mode === 'PERSISTENT_RECURSIVE'
      await context.client.watch(path, context.newWatcher('until-session-ends'), { recursive })
      answer(context, { path, mode, added: true }, [])
    },
  },
  {
    kind: 'znode',
    name: 'removewatches',
    takes: '<path>',
    summary: 'removes the watches of this session on a path',
    options: [
      ...kindOptions.map(([letter, long, , meaning]) => ({ flags: `-${letter}, --${long}`, meaning })),
      { flags: '-l, --local', meaning: 'without a connection, remove them only from this client' },
    ],
    async run(input, context) {
      const path = pathOf(input)
      const kind = kindOptions.find(([, long]) => input.has(long))?.[2] ?? 'any'
      await context.client.removeWatches(path, kind, { isLocalEnough: input.has('local') })
      answer(context, { path, kind, removed: true }, [])
    },
  },
]
