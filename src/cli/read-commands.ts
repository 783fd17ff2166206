/** The commands that read znodes: what they ask, and how they print it. */

import type { ReadOptions } from '../client/types.ts'
import { answer, type CommandContext, type CommandInput, pathOf, type ZnodeCommand } from './cli-command.ts'
import { CliFailure } from './exit-codes.ts'
import { base64Of, dataJson, dataText, hexDump, statJson, statLines } from './render.ts'
import { visitSubtree } from './subtree.ts'

const statOption = { flags: '-s, --stat', meaning: 'show the stat as well' }

export const readCommands: readonly ZnodeCommand[] = [
  {
    kind: 'znode',
    name: 'ls',
    takes: '<path>',
    summary: 'the names of the children',
    options: [
      statOption,
      { flags: '-w, --watch', meaning: 'tell when they change' },
      { flags: '-R, --recursive', meaning: 'the paths of all znodes from there on, one a line' },
    ],
    run: list,
  },
  {
    kind: 'znode',
    name: 'get',
    takes: '<path>',
    summary: 'the data',
    options: [
      statOption,
      { flags: '-w, --watch', meaning: 'tell when it changes' },
      { flags: '-b, --base64', meaning: 'show it in base64' },
      { flags: '-x, --hex', meaning: 'show it as a hexadecimal dump' },
    ],
    run: get,
  },
  {
    kind: 'znode',
    name: 'stat',
    takes: '<path>',
    summary: 'the stat',
    options: [{ flags: '-w, --watch', meaning: 'tell when the znode changes, appears or vanishes; it may be missing' }],
    run: stat,
  },
  {
    kind: 'znode',
    name: 'getAllChildrenNumber',
    takes: '<path>',
    summary: 'how many znodes there are below, at every depth',
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
    summary: "this session's ephemerals, or those whose path begins with the text given",
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
    summary: 'waits until the server has all that was committed',
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
