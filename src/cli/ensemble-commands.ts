/** The commands on the members of the ensemble. */
import type { Reconfiguration } from '../client/types.ts'
import { answer, type CommandContext, type CommandInput, type ZnodeCommand } from './cli-command.ts'
import { CliFailure } from './exit-codes.ts'
import { dataText, statJson, statLines } from './render.ts'

export const ensembleCommands: readonly ZnodeCommand[] = [
  {
    kind: 'znode',
    name: 'config',
    takes: '',
    summary: 'prints the configuration of the ensemble',
    options: [
      { flags: '-c, --client', meaning: 'show only its version and the client addresses, as a connect string' },
      { flags: '-w, --watch', meaning: 'watch it' },
      { flags: '-s, --stat', meaning: 'show the stat too' },
    ],
    async run(input, context) {
      const watch = input.has('watch') ? { watch: context.newWatcher('once') } : {}
      const { data, stat } = await context.client.getConfig(watch)
      const config = dataText(data)
      const text = input.has('client') ? clientAddressesOf(config) : config
      answer(context, { config: text, stat: statJson(stat) }, [text, ...(input.has('stat') ? statLines(stat) : [])])
    },
  },
  {
    kind: 'znode',
    name: 'reconfig',
    takes: '',
    summary: 'changes the members of the ensemble; write servers as in zoo.cfg, `server.4=host:port:port;port`',
    options: [
      { flags: '-s, --stat', meaning: 'show the stat of the new configuration' },
      { flags: '-v, --config-version <hex>', meaning: 'only if the current configuration has this version' },
      { flags: '--add <servers>', meaning: 'the servers that join, separated by commas' },
      { flags: '--remove <ids>', meaning: 'the ids of the servers that leave, separated by commas' },
      { flags: '--members <servers>', meaning: 'all servers of the new ensemble, separated by commas' },
      { flags: '--file <path>', meaning: 'a file with all servers of the new ensemble, one on each line' },
    ],
    run: reconfigure,
  },
]

async function reconfigure(input: CommandInput, context: CommandContext): Promise<void> {
  const version = configVersionOf(input)
  const change = await changeOf(input, context)
  const { data, stat } = await context.client.reconfigure(change, version)
  const config = dataText(data)
  answer(context, { config, stat: statJson(stat) }, [
    'Committed new configuration:',
    config,
    ...(input.has('stat') ? statLines(stat) : []),
  ])
}

function configVersionOf(input: CommandInput): bigint {
  const text = input.valueOf('config-version')
  if (text === undefined) return -1n
  if (!/^[0-9a-fA-F]{1,15}$/.test(text))
    throw new CliFailure('usage', `"${text}" is not a version; write a hexadecimal number`)
  return BigInt(`0x${text}`)
}

async function changeOf(input: CommandInput, context: CommandContext): Promise<Reconfiguration> {
  const [members, file, add, remove] = ['members', 'file', 'add', 'remove'].map((name) => input.valueOf(name))
  if (members !== undefined && file !== undefined) throw new CliFailure('usage', 'use either --members or --file')
  const isWhole = members !== undefined || file !== undefined
  const isIncremental = add !== undefined || remove !== undefined
  if (isWhole && isIncremental) {
    throw new CliFailure('usage', 'use either --add and --remove (a change) or --members or --file (the new ensemble)')
  }
  if (!isWhole && !isIncremental) {
    throw new CliFailure('usage', 'use --add, --remove, --members or --file to say what to change')
  }
  if (isIncremental) return { kind: 'incremental', joining: listOf(add), leaving: listOf(remove) }
  return { kind: 'whole', members: file === undefined ? listOf(members) : memberLines(await context.readFile(file)) }
}

function listOf(text: string | undefined): readonly string[] {
  return text === undefined ? [] : text.toLowerCase().split(',')
}

/** The server lines of a dynamic configuration. */
function memberLines(text: string): readonly string[] {
  const lines = text.split(/\r?\n/).map((line) => line.trim())
  const members = lines.filter((line) => /^(server|group|weight)\./.test(line))
  if (members.length === 0) throw new CliFailure('usage', 'the file has no line server.N=…')
  return members
}

/** `version host:port,host:port` (ZK: ConfigUtils.getClientConfigStr). */
function clientAddressesOf(config: string): string {
  const addresses: string[] = []
  let version = ''
  for (const line of config.split('\n')) {
    const [, key = '', value = ''] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(line) ?? []
    if (key === 'version') version = value
    if (!key.startsWith('server.')) continue
    const client = value.split(';')[1]
    if (client !== undefined && client !== '') addresses.push(client.includes(':') ? client : `0.0.0.0:${client}`)
  }
  return `${version} ${addresses.join(',')}`
}
