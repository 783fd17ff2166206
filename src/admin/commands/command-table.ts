/**
 * Every admin command: one row each, with ZooKeeper's names and aliases (ZK: Commands.java of 3.9.5). Missing are `snapshot` and
 * `restore`, whose format is that of ZooKeeper's snapshots: zkts has `zkts-cli backup` and `restore`.
 * Assumes: the sources were taken in this turn of the event loop.
 */
import { environmentEntries } from '../envi-text.ts'
import { monitorEntries } from '../mntr-text.ts'
import {
  type AdminCommand,
  answerOf,
  type CommandAction,
  type CommandFields,
  type CommandSources,
} from './admin-command.ts'
import { leaderAnswer, votingViewFields, zabStateFields } from './ensemble-fields.ts'
import type { JsonValue } from './json-text.ts'
import { configurationFields, connectionFields, serverStatsFields, servingOf } from './server-fields.ts'
import {
  digestFields,
  dumpFields,
  pathsByWatcherFields,
  watchersByPathFields,
  watchSummaryFields,
} from './session-fields.ts'

type Names = AdminCommand['names']
type Fields = (sources: CommandSources) => CommandFields

const nothing: CommandFields = new Map()

function reading(names: Names, meaning: string, fields: Fields): AdminCommand {
  return { names, meaning, needsServing: true, answer: (sources) => answerOf(fields(sources)) }
}

function changing(names: Names, meaning: string, action: CommandAction | null): AdminCommand {
  const answer = { fields: nothing, error: null, action }
  return { names, meaning, needsServing: true, answer: () => answer }
}

function always(command: AdminCommand): AdminCommand {
  return { ...command, needsServing: false }
}

export const adminCommands: readonly AdminCommand[] = [
  reading(['configuration', 'conf', 'config'], 'the settings of the server', configurationFields),
  changing(['connection_stat_reset', 'crst'], 'sets the counters of all connections to zero', {
    kind: 'reset-connection-statistics',
  }),
  reading(['connections', 'cons'], 'each connection with its session, counters and latencies', ({ details }) =>
    connectionLists(details.connections().map((connection) => connectionFields(connection, false))),
  ),
  reading(
    ['dirs'],
    'bytes of the data folder and of the log folder',
    ({ status }) =>
      new Map([
        ['datadir_size', status.dataDirSizeBytes],
        ['logdir_size', status.dataLogDirSizeBytes],
      ]),
  ),
  reading(['dump'], 'sessions by the time at which they expire, and their ephemerals', dumpFields),
  always(
    reading(
      ['environment', 'env', 'envi'],
      'the machine and the process',
      (sources) => new Map(environmentEntries(sources)),
    ),
  ),
  always(
    reading(
      ['get_trace_mask', 'gtmk'],
      'the trace mask',
      ({ details }) => new Map([['tracemask', details.traceMask()]]),
    ),
  ),
  reading(['hash'], 'the digest of the tree at every 128th zxid', digestFields),
  reading(
    ['initial_configuration', 'icfg'],
    'the settings in effect, one on each line; ZooKeeper shows the text of its zoo.cfg',
    ({ details }) =>
      new Map([
        [
          'initial_configuration',
          details
            .furtherSettings()
            .map(([key, value]) => `${key}=${value}\n`)
            .join(''),
        ],
      ]),
  ),
  reading(
    ['is_read_only', 'isro'],
    'whether the server is in the read-only mode',
    ({ status }) => new Map([['read_only', servingOf(status).mode === 'read-only']]),
  ),
  reading(['last_snapshot', 'lsnp'], 'zxid and time of the last checkpoint', ({ status, wallMs }) => {
    const last = status.lastCheckpoint
    return new Map<string, JsonValue>([
      ['zxid', last === null ? 'ffffffffffffffff' : last.zxid.toString(16)],
      ['timestamp', last === null ? -1 : Math.trunc(wallMs - last.ageMs)],
    ])
  }),
  {
    names: ['leader', 'lead'],
    meaning: 'whether this server leads, and which server does',
    needsServing: true,
    answer: leaderAnswer,
  },
  reading(['monitor', 'mntr'], 'every gauge and metric', ({ status, details }) => {
    const entries = monitorEntries(status, details.metrics(), details.fileDescriptors())
    return new Map(entries)
  }),
  changing(['observer_connection_stat_reset', 'orst'], 'no effect: there are no observers', null),
  reading(
    ['observers', 'obsr'],
    'the observers: none',
    () =>
      new Map<string, JsonValue>([
        ['synced_observers', 0],
        ['observers', []],
      ]),
  ),
  reading(['ruok'], 'nothing: an answer without an error shows that the server serves', () => nothing),
  reading(['server_stats', 'srvr'], 'version, latency, packets, zxid, mode, count of znodes', serverStatsFields),
  {
    names: ['set_trace_mask', 'stmk'],
    meaning: 'sets the trace mask to the argument `traceMask`; it traces nothing, as in ZooKeeper',
    needsServing: false,
    answer: (_sources, args) => setTraceMask(args.get('traceMask')),
  },
  changing(['stat_reset', 'srst'], 'sets the metrics and the counters of the server to zero', {
    kind: 'reset-server-statistics',
  }),
  reading(['stats', 'stat'], 'as `server_stats`, with the connections', (sources) => {
    const connections = sources.details.connections().map((connection) => connectionFields(connection, true))
    return new Map([...serverStatsFields(sources), ...connectionLists(connections)])
  }),
  always(
    reading(
      ['system_properties', 'sysp'],
      'the settings in effect as ZooKeeper names its system properties, and properties of the machine',
      (sources) => {
        const settings = sources.details.furtherSettings().map(([key, value]) => [`zookeeper.${key}`, value] as const)
        return new Map([...environmentEntries(sources), ...settings].sort(([a], [b]) => (a < b ? -1 : 1)))
      },
    ),
  ),
  reading(['voting_view'], 'the voters of the ensemble', votingViewFields),
  reading(['watch_summary', 'wchs'], 'how many watches there are', watchSummaryFields),
  reading(['watches', 'wchc'], 'watched paths by session', pathsByWatcherFields),
  reading(['watches_by_path', 'wchp'], 'sessions by watched path', watchersByPathFields),
  always(reading(['zabstate'], 'the role of this server in its ensemble', zabStateFields)),
]

/** Null: there is no such command. */
export function commandNamed(name: string): AdminCommand | null {
  return byName.get(name) ?? null
}

const byName: ReadonlyMap<string, AdminCommand> = new Map(
  adminCommands.flatMap((command) => command.names.map((name) => [name, command] as const)),
)

/** There is no TLS port, so no connection is secure. */
function connectionLists(connections: readonly CommandFields[]): CommandFields {
  return new Map<string, JsonValue>([
    ['connections', connections],
    ['secure_connections', []],
  ])
}

function setTraceMask(text: string | undefined): ReturnType<AdminCommand['answer']> {
  const wrong = 'setTraceMask requires long traceMask argument'
  if (text === undefined) return answerOf(nothing, wrong)
  const traceMask = /^[+-]?\d{1,19}$/.test(text) ? BigInt(text.replace(/^\+/, '')) : null
  if (traceMask === null || BigInt.asIntN(64, traceMask) !== traceMask)
    return answerOf(nothing, `${wrong}, got ${text}`)
  return { fields: new Map([['tracemask', traceMask]]), error: null, action: { kind: 'set-trace-mask', traceMask } }
}
