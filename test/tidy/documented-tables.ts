/**
 * The tables of docs/ that come from the code. This file renders them; a test compares them with the documents, and
 * rewrites the documents when UPDATE_DOCS is set.
 */
import protobuf from 'protobufjs'
import { parseAst } from 'vitest/node'
import { adminCommands } from '../../src/admin/commands/command-table.ts'
import { statusFamilies } from '../../src/admin/status-families.ts'
import { adminWords, adminWordsByDefault } from '../../src/base/admin-words.ts'
import { errors } from '../../src/base/errors.ts'
import * as limitValues from '../../src/base/limits.ts'
import { commandTable } from '../../src/cli/command-table.ts'
import { latencyFamily } from '../../src/metrics/metric-families.ts'
import { type MetricRow, metricNames, metricTable } from '../../src/metrics/metric-table.ts'
import { OperationLatencies } from '../../src/metrics/operation-latencies.ts'
import { type OpName, opNames, ops } from '../../src/protocol/client/operations.ts'
import { peerSchema } from '../../src/protocol/peer/peer-codec.ts'
import { schema } from '../../src/protocol/schema.ts'
import { leading } from '../admin/admin-sources.ts'
import { type Rule, rules } from '../compat/differential/rules.ts'
import { configRules } from '../compat/parsers/config-rules.ts'
import { bannedWords } from './banned-words.ts'
import { recoveryTables } from './decision-tables.ts'
import { layers, rooms } from './layers.ts'
import { table } from './markdown.ts'
import { filesIn, projectFile } from './project-files.ts'

export interface DocumentedTable {
  readonly document: string
  readonly block: string
  readonly render: () => string
}

export const documentedTables: readonly DocumentedTable[] = [
  { document: 'README.md', block: 'served', render: servedLists },
  { document: 'docs/reference/differences.md', block: 'served', render: servedLists },
  { document: 'docs/reference/differences.md', block: 'rules', render: clientRulesTable },
  { document: 'docs/reference/differences.md', block: 'rules of files', render: () => rulesTable(configRules) },
  { document: 'docs/README.md', block: 'internals', render: () => pagesIn('docs/internals') },
  { document: 'docs/README.md', block: 'contributing', render: () => pagesIn('docs/contributing') },
  { document: 'docs/README.md', block: 'operations', render: () => pagesIn('docs/operations') },
  { document: 'docs/README.md', block: 'reference', render: () => pagesIn('docs/reference') },
  { document: 'docs/architecture.md', block: 'folders', render: foldersTable },
  { document: 'docs/internals/storage.md', block: 'one segment', render: recoveryTables.segment },
  { document: 'docs/internals/storage.md', block: 'where the log begins', render: recoveryTables.start },
  { document: 'docs/internals/storage.md', block: 'the whole log', render: recoveryTables.end },
  { document: 'docs/contributing/style.md', block: 'words', render: wordsTable },
  { document: 'docs/architecture.md', block: 'rooms', render: roomsTable },
  { document: 'docs/reference/admin.md', block: 'admin commands', render: adminCommandsTable },
  { document: 'docs/reference/cli.md', block: 'commands', render: () => commandsTable('znode') },
  { document: 'docs/reference/cli.md', block: 'commands of the shell', render: () => commandsTable('shell') },
  { document: 'docs/reference/errors.md', block: 'errors', render: errorsTable },
  { document: 'docs/reference/limits.md', block: 'limits', render: limitsTable },
  { document: 'docs/reference/metrics.md', block: 'metrics', render: metricsTable },
  { document: 'docs/reference/metrics.md', block: 'own-gauges', render: ownGaugesTable },
  { document: 'docs/reference/records.md', block: 'operations', render: operationsTable },
  { document: 'docs/reference/records.md', block: 'client records', render: clientRecords },
  { document: 'docs/reference/records.md', block: 'messages', render: messageTables },
]

/** Every page of a folder of docs/, by its heading. */
function pagesIn(folder: string): string {
  return filesIn(folder, '.md')
    .map(({ path, text }) => `- [${/^# (.+)$/m.exec(text)?.[1] ?? path}](${path.slice('docs/'.length)})`)
    .join('\n')
}

function foldersTable(): string {
  return table(
    ['in `src/`', 'owns', 'may import', 'pure', 'why no more'],
    layers.map(({ name, owns, mayImport, packages, isPure, reason }) => [
      code(isFile(name) ? name : `${name}/`),
      owns,
      [...mayImport, ...packages.map(code)].join(', ') || '–',
      isPure ? 'yes' : 'no',
      reason,
    ]),
  )
}

function wordsTable(): string {
  return table(
    ['instead of', 'write', 'because'],
    bannedWords.map(({ word, write, why }) => [word, write, why]),
  )
}

function roomsTable(): string {
  return table(
    ['in `src/`', 'owns'],
    rooms.map(({ name, owns }) => [code(`${name}/`), owns]),
  )
}

function commandsTable(kind: 'znode' | 'shell'): string {
  return table(
    ['command', 'what it does', 'options'],
    commandTable
      .filter((command) => command.kind === kind)
      .map(({ name, takes, summary, options }) => [
        code(`${name} ${takes}`.trimEnd()),
        summary,
        options.map(({ flags, meaning }) => `${code(flags)} ${meaning}`).join('<br>') || '–',
      ]),
  )
}

function adminCommandsTable(): string {
  return table(
    ['command', 'aliases', 'answer', 'without a leader'],
    adminCommands.map(({ names: [name, ...aliases], meaning, needsServing }) => [
      code(name),
      aliases.map(code).join(', ') || '–',
      meaning,
      needsServing ? 'no' : 'yes',
    ]),
  )
}

function errorsTable(): string {
  return table(
    ['code', 'in zkts', 'in ZooKeeper', 'meaning', 'send it again?'],
    Object.entries(errors).map(([name, traits]) => [
      String(traits.code),
      code(name),
      traits.name,
      traits.meaning,
      { no: 'no', 'after-change': 'after a change', yes: 'yes' }[traits.retry],
    ]),
  )
}

function metricsTable(): string {
  return table(
    ['name', 'kind', 'counts'],
    metricNames.map((name) => {
      const { kind, meaning, isOwn }: MetricRow = metricTable[name]
      return [code(name), kind, isOwn === true ? `${meaning}. Not in ZooKeeper` : meaning]
    }),
  )
}

function ownGaugesTable(): string {
  const learner = { id: 2, isSynced: true, txnCount: 0, unacknowledgedSizeBytes: 0, silentMs: 0 }
  const load = { waitingConnectionCount: 0, learners: [learner], quotas: [] }
  const shown = { ...leading, lastCheckpoint: { zxid: 1, sizeBytes: 1, ageMs: 1 } }
  const families = [...statusFamilies(shown, load, null), latencyFamily(new OperationLatencies())]
  const own = families.filter(({ name }) => name.startsWith('zkts_'))
  return table(
    ['name', 'type', 'value'],
    own.map(({ name, type, help }) => [code(name), type, help]),
  )
}

/** The reason is the comment above the constant; one comment may serve the constants that follow it directly. */
function limitsTable(): string {
  const { text } = projectFile('src/base/limits.ts')
  const values = limitValues as Readonly<Record<string, number>>
  let reason = ''
  const rows = text.split('\n').flatMap((line) => {
    const comment = /^\/\*\* (.*) \*\/$/.exec(line)
    if (comment !== null) reason = comment[1]!
    const name = /^export const (\w+) = /.exec(line)?.[1]
    return name === undefined ? [] : [[code(name), amountText(name, values[name]!) ?? 'WITHOUT A UNIT', reason]]
  })
  return table(['limit', 'value', 'why'], rows)
}

/** By what the name of a limit contains; the first that fits. Null: it has no unit. */
const limitUnits: readonly (readonly [RegExp, string])[] = [
  [/KibPerSecond/, 'KiB/s'],
  [/Ms(?![a-z])/, 'ms'],
  [/Units/, 'UTF-16 units'],
  [/Vector/, 'elements'],
  [/Znode/, 'znodes'],
  [/Entry/, 'entries'],
  [/Chunk/, 'chunks'],
  [/copies/, 'copies'],
  [/Txn/, 'txns'],
  [/LinesPerSecond/, 'lines/s'],
  [/Lines/, 'lines'],
  [/Requests/, 'requests'],
  [/quota/, 'quotas'],
  [/Factor/, 'times'],
  [/Moments/, 'moments'],
  [/Key/, 'keys'],
  [/Backups/, 'backups'],
  [/Epoch/, 'epochs'],
  [/Connections/, 'connections'],
]

export function amountText(name: string, value: number): string | null {
  const plain = String(value).replace(/\B(?=(\d{3})+$)/g, ' ')
  if (name.includes('SizeBytes')) return value % 2 ** 20 === 0 ? `${value / 2 ** 20} MiB` : `${plain} bytes`
  const unit = limitUnits.find(([pattern]) => pattern.test(name))?.[1]
  return unit === undefined ? null : `${plain} ${unit}`
}

function operationsTable(): string {
  return table(
    ['opcode', 'operation', 'kind', 'request', 'reply', 'alone', 'in a multi'],
    opNames.map((name) => {
      const { opcode, access, request, reply, implemented, inMulti } = ops[name]
      const now = implemented ? 'yes' : 'no'
      return [String(opcode), name, access, request?.name ?? '–', reply?.name ?? '–', now, inMulti ? 'yes' : 'no']
    }),
  )
}

/** The operations and words that a client can use, and the operations that it cannot use yet. */
function servedLists(): string {
  const asked = opNames.filter((name) => ops[name].access !== 'internal')
  const served = asked.filter((name) => ops[name].implemented)
  // `check` is served in a multi only, as in ZooKeeper.
  const missing = asked.filter((name) => !ops[name].implemented && name !== 'check')
  const declined: readonly OpName[] = ['reconfig', 'sasl']
  return [
    `- Operations served: ${served.filter((name) => !declined.includes(name)).join(', ')}.`,
    `- Operations answered as by a ZooKeeper server that has them switched off: ${declined.join(', ')}.`,
    ...(missing.length === 0 ? [] : [`- Operations not yet served: ${missing.join(', ')}.`]),
    `- Four-letter words served: ${adminWords.join(', ')}; without a whitelist: ${adminWordsByDefault.join(', ')}.`,
  ].join('\n')
}

/** The differences that the differential test accepts; with compatibility=strict only those that stay. */
function clientRulesTable(): string {
  return table(
    ['what', 'ZooKeeper', 'zkts', 'why', 'rule', 'with `compatibility=strict`'],
    rules.map(({ name, what, zookeeper, zkts, why, staysBecause }) => [
      what,
      zookeeper,
      zkts,
      why,
      code(name),
      staysBecause === null ? 'as ZooKeeper' : `stays: ${staysBecause}`,
    ]),
  )
}

/** The differences that a test accepts; it accepts no others. */
function rulesTable(shown: readonly Pick<Rule, 'name' | 'what' | 'zookeeper' | 'zkts' | 'why'>[]): string {
  return table(
    ['what', 'ZooKeeper', 'zkts', 'why', 'rule'],
    shown.map(({ name, what, zookeeper, zkts, why }) => [what, zookeeper, zkts, why, code(name)]),
  )
}

interface RecordNode {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

/** Field types as they are written in the definition; field order is wire order. */
function clientRecords(): string {
  const rows = filesIn('src/protocol/client', '.ts').flatMap(({ path, text }) => {
    const body = parseAst(text, { lang: 'ts' }).body as unknown as readonly RecordNode[]
    return body.flatMap((statement) => recordsIn(statement, text)).map((row) => [...row, code(path.slice(13))])
  })
  return table(['record', 'fields', 'defined in'], rows)
}

function recordsIn(node: unknown, text: string): readonly (readonly string[])[] {
  if (typeof node !== 'object' || node === null) return []
  const { type, callee, arguments: given } = node as Partial<RecordNode>
  if (type === 'CallExpression' && (callee as { name?: string }).name === 'record') {
    const [name, fields] = given as readonly [{ value: string }, { properties: readonly RecordNode[] }]
    const texts = fields.properties.map((field) => fieldText(field, text))
    return [[name.value, texts.join(', ')], ...recordsIn(fields, text)]
  }
  return Object.values(node).flatMap((child) => recordsIn(child, text))
}

function fieldText({ key, value, shorthand }: RecordNode, text: string): string {
  const name = (key as { name: string }).name
  const codec = value as RecordNode
  const nested = recordsIn(codec, text)[0]
  const type = nested === undefined ? text.slice(codec.start, codec.end) : `vector(${nested[0]})`
  return shorthand === true ? code(name) : `${code(name)} ${type}`
}

/** The messages between servers, and the txns in their logs. */
function messageTables(): string {
  const types = [...schema.nestedArray, ...peerSchema.nestedArray].filter((item) => item instanceof protobuf.Type)
  return table(
    ['message', 'fields'],
    types.map((type) => [type.name, type.fieldsArray.map(protoFieldText).join(', ') || '–']),
  )
}

function protoFieldText({ id, name, type, repeated, partOf, options }: protobuf.Field): string {
  const isOptional = options?.['proto3_optional'] === true
  const prefix = repeated ? 'repeated ' : isOptional ? 'optional ' : partOf === null ? '' : 'one of '
  return `${id} ${code(name)} ${prefix}${type}`
}

function code(text: string): string {
  return `\`${text}\``
}

function isFile(name: string): boolean {
  return name.endsWith('.ts')
}
