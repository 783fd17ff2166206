/** The commands that read znodes. */

import type { ReadOptions } from '../client/types.ts'
import { answer, type CommandContext, type CommandInput, pathOf, type ZnodeCommand } from './cli-command.ts'
import { CliFailure } from './exit-codes.ts'
import { base64Of, dataJson, dataText, hexDump, statJson, statLines } from './render.ts'
import { visitSubtree } from './subtree.ts'

const statOption = { flags: '-s, --stat', meaning: 'show the stat too' }

export const readCommands: readonly ZnodeCommand[] = [
  {
    kind: 'znode',
    name: 'ls',
    takes: '<path>',
    summary: 'prints the names of the children',
    options: [
      statOption,
      { flags: '-w, --watch', meaning: 'watch them' },
      { flags: '-R, --recursive', meaning: 'print the paths of the whole subtree, one on each line' },
    ],
    run: list,
  },
  {
    kind: 'znode',
    name: 'get',
    takes: '<path>',
    summary: 'prints the data',
    options: [
      statOption,
      { flags: '-w, --watch', meaning: 'watch it' },
      { flags: '-b, --base64', meaning: 'show the data in base64' },
      { flags: '-x, --hex', meaning: 'show the data as a hexadecimal dump' },
    ],
    run: get,
  },
  {
    kind: 'znode',
    name: 'stat',
    takes: '<path>',
    summary: 'prints the stat',
    options: [
      { flags: '-w, --watch', meaning: 'watch the znode, which need not exist, for its creation, change and deletion' },
    ],
    run: stat,
  },
  {
    kind: 'znode',
    name: 'getAllChildrenNumber',
    takes: '<path>',
    summary: 'prints the number of znodes below the path, at every depth',
    options: [],
    async run(input, context) {
      const path = pathOf(input)
      const count = await context.client.countDescendants(path)
      answer(context, { path, count }, [String(count)])
    },
  },
  {
    kind: 'znode',
    name: 'getEphemerals',
    takes: '[path]',
    summary: 'prints the ephemerals of this session, or those whose path starts with the argument',
    options: [],
    async run(input, context) {
      const prefix = input.args.length === 0 ? '/' : pathOf(input)
      const paths = [...(await context.client.getEphemerals(prefix))].sort()
      answer(context, { paths }, [`[${paths.join(', ')}]`])
    },
  },
  {
    kind: 'znode',
    name: 'sync',
    takes: '<path>',
    summary: 'waits until the server has applied all writes that are committed now',
    options: [],
    async run(input, context) {
      const path = pathOf(input)
      await context.client.sync(path)
      answer(context, { path, synced: true }, ['Sync is OK'])
    },
  },
]

async function list(input: CommandInput, context: CommandContext): Promise<void> {
  const path = pathOf(input)
  if (!input.has('recursive')) {
    const { children, stat } = await context.client.getChildren(path, watchOf(input, context))
    const names = [...children].sort()
    answer(context, { path, children: names, stat: statJson(stat) }, [
      `[${names.join(', ')}]`,
      ...(input.has('stat') ? statLines(stat) : []),
    ])
    return
  }
  const paths: string[] = []
  await visitSubtree(context.client, path, watchOf(input, context), (found) => {
    if (context.isJson) paths.push(found)
    else context.write(`${found}\n`)
  })
  if (context.isJson) answer(context, { path, paths }, [])
}

async function get(input: CommandInput, context: CommandContext): Promise<void> {
  const path = pathOf(input)
  const { data, stat } = await context.client.getData(path, watchOf(input, context))
  const text = input.has('base64') ? base64Of(data) : input.has('hex') ? hexDump(data) : dataText(data)
  const json = input.has('base64') ? { data: base64Of(data), encoding: 'base64' } : dataJson(data)
  answer(context, { path, ...json, stat: statJson(stat) }, [text, ...(input.has('stat') ? statLines(stat) : [])])
}

async function stat(input: CommandInput, context: CommandContext): Promise<void> {
  const path = pathOf(input)
  const found = await context.client.exists(path, watchOf(input, context))
  if (found !== null) return answer(context, { path, stat: statJson(found) }, statLines(found))
  if (!input.has('watch')) throw new CliFailure('refused', `stat ${path}: no-node: the znode does not exist`, 'no-node')
  answer(context, { path, stat: null }, [`${path} does not exist`])
}

function watchOf(input: CommandInput, context: CommandContext): ReadOptions {
  return input.has('watch') ? { watch: context.newWatcher('once') } : {}
}
