/** The commands on ACLs and on authentication. */
import { aclJson, aclLines, parseAcl } from './acl-text.ts'
import { answer, type CommandContext, type CommandInput, pathOf, versionOf, type ZnodeCommand } from './cli-command.ts'
import { CliFailure } from './exit-codes.ts'
import { toFailure } from './open-client.ts'
import { statJson, statLines } from './render.ts'
import { visitSubtree } from './subtree.ts'

export const accessCommands: readonly ZnodeCommand[] = [
  {
    kind: 'znode',
    name: 'getAcl',
    takes: '<path>',
    summary: 'prints the ACL',
    options: [{ flags: '-s, --stat', meaning: 'show the stat too' }],
    async run(input, context) {
      const path = pathOf(input)
      const { acl, stat } = await context.client.getAcl(path)
      answer(context, { path, acl: aclJson(acl), stat: statJson(stat) }, [
        ...aclLines(acl),
        ...(input.has('stat') ? statLines(stat) : []),
      ])
    },
  },
  {
    kind: 'znode',
    name: 'setAcl',
    takes: '<path> <acl>',
    summary: 'replaces the ACL: entries `scheme:id:perms`, separated by commas; perms are letters of cdrwa',
    options: [
      { flags: '-s, --stat', meaning: 'show the new stat' },
      { flags: '-v, --acl-version <version>', meaning: 'only if the ACL has this version' },
      { flags: '-R, --recursive', meaning: 'also replace the ACL of every znode below' },
    ],
    run: setAcl,
  },
  {
    kind: 'znode',
    name: 'addauth',
    takes: '<scheme> [credentials]',
    summary: 'authenticates the session, e.g. `digest user:password`; the history does not store it',
    options: [],
    async run(input, context) {
      const [scheme = '', credentials = ''] = input.args
      await context.client.addAuth(scheme, new TextEncoder().encode(credentials))
      answer(context, { scheme, added: true }, [])
    },
  },
  {
    kind: 'znode',
    name: 'whoami',
    takes: '',
    summary: 'prints the identities of the session',
    options: [],
    async run(_input, context) {
      const identities = await context.client.whoAmI()
      const lines = identities.map(({ scheme, user }) => `${scheme}: ${user}`)
      answer(context, { identities }, ['Auth scheme: User', ...lines])
    },
  },
]

async function setAcl(input: CommandInput, context: CommandContext): Promise<void> {
  const path = pathOf(input)
  const acl = parseAcl(input.args[1] ?? '')
  const version = versionOf(input, 'acl-version')
  const { client } = context
  if (!input.has('recursive')) {
    const stat = await client.setAcl(path, acl, version)
    answer(context, { path, stat: statJson(stat) }, input.has('stat') ? statLines(stat) : [])
    return
  }
  let setCount = 0
  const failures: CliFailure[] = []
  await visitSubtree(client, path, {}, async (each) => {
    try {
      await client.setAcl(each, acl, version)
      setCount += 1
    } catch (error) {
      const failure = toFailure(error)
      if (failure.exit !== 'refused') throw failure
      context.warn(`${failure.message}\n`)
      failures.push(failure)
    }
  })
  answer(context, { path, setCount, failedCount: failures.length }, [])
  if (failures[0] === undefined) return
  throw new CliFailure('refused', `ACLs that were not replaced: ${failures.length}`, failures[0].errorName)
}
