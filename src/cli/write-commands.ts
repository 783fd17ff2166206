/** The commands that create, change and delete znodes. */
import type { CreateMode } from '../client/types.ts'
import { parseAcl } from './acl-text.ts'
import { answer, type CommandContext, type CommandInput, pathOf, versionOf, type ZnodeCommand } from './cli-command.ts'
import { CliFailure } from './exit-codes.ts'
import { bytesOfBase64, statJson, statLines } from './render.ts'
import { deleteSubtree } from './subtree.ts'

const batchCountDefault = 1000
/** ZK: EphemeralType.TTL, 5 bytes. */
const ttlMsMax = 0xff_ffff_ffff

export const writeCommands: readonly ZnodeCommand[] = [
  {
    kind: 'znode',
    name: 'create',
    takes: '<path> [data] [acl]',
    summary: 'creates a znode',
    options: [
      { flags: '-s, --sequential', meaning: 'the server appends a number to the name' },
      { flags: '-e, --ephemeral', meaning: 'the znode is deleted when the session ends' },
      { flags: '-c, --container', meaning: 'the server deletes the znode some time after its last child is deleted' },
      {
        flags: '-t, --ttl <ms>',
        meaning: 'the server deletes the znode when it has no children and its data is unchanged for this time',
      },
    ],
    run: create,
  },
  {
    kind: 'znode',
    name: 'set',
    takes: '<path> <data>',
    summary: 'replaces the data',
    options: [
      { flags: '-s, --stat', meaning: 'show the new stat' },
      { flags: '-v, --data-version <version>', meaning: 'only if the data has this version' },
      { flags: '-b, --base64', meaning: '<data> is base64' },
    ],
    run: set,
  },
  {
    kind: 'znode',
    name: 'delete',
    takes: '<path>',
    summary: 'deletes a znode without children',
    options: [{ flags: '-v, --data-version <version>', meaning: 'only if the data has this version' }],
    async run(input, context) {
      const path = pathOf(input)
      await context.client.delete(path, versionOf(input, 'data-version'))
      answer(context, { path, deleted: true }, [])
    },
  },
  {
    kind: 'znode',
    name: 'deleteall',
    takes: '<path>',
    summary: 'deletes a znode and its whole subtree',
    options: [
      {
        flags: '-b, --batch <count>',
        meaning: `the number of znodes in one transaction; default ${batchCountDefault}`,
      },
    ],
    async run(input, context) {
      const path = pathOf(input)
      const batch = input.valueOf('batch') ?? String(batchCountDefault)
      if (!/^\d{1,6}$/.test(batch))
        throw new CliFailure('usage', `"${batch}" is not a number of znodes; write 0 to 999999`)
      const deletedCount = await deleteSubtree(context.client, path, Number(batch))
      answer(context, { path, deletedCount }, [])
    },
  },
]

async function create(input: CommandInput, context: CommandContext): Promise<void> {
  const path = pathOf(input, input.has('sequential'))
  const [, data, acl] = input.args
  const ttlMs = ttlMsOf(input)
  const created = await context.client.create(path, data === undefined ? null : new TextEncoder().encode(data), {
    mode: modeOf(input),
    ...(ttlMs !== null && { ttlMs }),
    ...(acl !== undefined && { acl: parseAcl(acl) }),
  })
  answer(context, { path: created.path, stat: statJson(created.stat) }, [`Created ${created.path}`])
}

async function set(input: CommandInput, context: CommandContext): Promise<void> {
  const path = pathOf(input)
  const text = input.args[1] ?? ''
  const data = input.has('base64') ? bytesOfBase64(text) : new TextEncoder().encode(text)
  if (data === null) throw new CliFailure('usage', `"${text}" is not base64`)
  const stat = await context.client.setData(path, data, versionOf(input, 'data-version'))
  answer(context, { path, stat: statJson(stat) }, input.has('stat') ? statLines(stat) : [])
}

function ttlMsOf(input: CommandInput): number | null {
  const text = input.valueOf('ttl')
  if (text === undefined) return null
  if (input.has('ephemeral') || input.has('container')) {
    throw new CliFailure('usage', 'a znode with a TTL cannot be ephemeral or a container; leave out -e and -c, or -t')
  }
  const ttlMs = Number(text)
  if (/^\d+$/.test(text) && ttlMs >= 1 && ttlMs <= ttlMsMax) return ttlMs
  throw new CliFailure('usage', `"${text}" is not a TTL; write milliseconds, 1 to ${ttlMsMax}`)
}

function modeOf(input: CommandInput): CreateMode {
  const isSequential = input.has('sequential')
  if (input.has('container')) {
    if (!isSequential && !input.has('ephemeral')) return 'container'
    throw new CliFailure('usage', 'a container cannot be ephemeral or sequential; leave out -e and -s, or -c')
  }
  if (input.has('ephemeral')) return isSequential ? 'ephemeral-sequential' : 'ephemeral'
  return isSequential ? 'persistent-sequential' : 'persistent'
}
