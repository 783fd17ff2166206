/**
 * The text of every four-letter word in every role of a server. It is equal on both targets after numbers are masked. Lists
 * that ZooKeeper prints in the order of a hash are compared as sets.
 */
import { connect } from 'node:net'
import { type Check, eventually, expectEqual, expectTrue } from '../checks.ts'
import { bodies, connectRaw, opcodes, type RawSession } from '../raw-client.ts'
import { documentedMetrics, namesNotIn } from './documented-metrics.ts'

export function wordChecks(port: number, root: string): readonly Check[] {
  return [...contentChecks(port, root), ...statisticsChecks(port, root)]
}

function contentChecks(port: number, root: string): readonly Check[] {
  return [
    {
      title: 'the words about the server itself have the form of ZooKeeper',
      async run() {
        expectEqual(await ask(port, 'ruok'), 'imok', 'ruok')
        expectEqual(await ask(port, 'isro'), 'rw', 'isro')
        expectEqual(masked(await ask(port, 'dirs')), 'datadir_size: N\nlogdir_size: N\n', 'dirs')
        expectMatch(await ask(port, 'srvr'), new RegExp(`^${counters('standalone')}$`), 'srvr')
        const conf = (await ask(port, 'conf')).split('\n').map((line) => line.split('=')[0])
        // zkts shows further settings after these.
        expectEqual([...conf.slice(0, confKeys.length), conf.at(-1)], [...confKeys, ''], 'the keys of conf')
        const envi = (await ask(port, 'envi')).split('\n').map((line) => line.split('=')[0])
        expectEqual(envi, ['Environment:', ...enviKeys, ''], 'the keys of envi')
        expectMatch(await ask(port, 'hash'), /^([0-9a-f]+: -?\d+\n)*$/, 'hash')
      },
    },
    {
      title: 'stmk sets the trace mask that gtmk prints, and 306 is the first one',
      async run() {
        expectEqual(await ask(port, 'gtmk'), '306', 'gtmk')
        expectEqual(await ask(port, stmk(-2n)), '-2', 'stmk')
        expectEqual(await ask(port, 'gtmk'), '-2', 'gtmk afterwards')
        expectEqual(await ask(port, stmk(306n)), '306', 'stmk back')
      },
    },
    {
      title: 'dump, wchs, wchc and wchp show a session, its ephemerals and its watches',
      async run() {
        await withSession(port, root, async (session, id) => {
          const path = `${root}/e`
          expectDump(await ask(port, 'dump'), id, path, /^Session Sets \(\d+\)\/\(\d+\):$/)
          expectMatch(await ask(port, 'wchs'), /^\d+ connections watching \d+ paths\nTotal watches:\d+\n$/, 'wchs')
          expectTrue((await ask(port, 'wchc')).includes(`${id}\n\t${path}\n`), 'wchc names the watch under its session')
          expectTrue((await ask(port, 'wchp')).includes(`${path}\n\t${id}\n`), 'wchp names the watch under its path')
          expectMatch(await ask(port, 'wchc'), /^(0x[0-9a-f]+\n(\t\/.*\n)+)*\n$/, 'wchc')
          expectMatch(await ask(port, 'wchp'), /^(\/.*\n(\t0x[0-9a-f]+\n)+)*\n$/, 'wchp')
          await session.request(9, opcodes.closeSession)
          const isForgotten = async (): Promise<boolean> => !(await ask(port, 'wchc')).includes(id)
          await eventually(isForgotten, 5000, 'the watches of a closed session are gone')
        })
      },
    },
  ]
}

function statisticsChecks(port: number, root: string): readonly Check[] {
  return [
    {
      title: 'cons and stat list connections, and crst resets their counters',
      async run() {
        await withSession(port, root, async (session, id) => {
          const local = /^ \/127\.0\.0\.1:\d+\[\d\]\(queued=\d+,recved=\d+,sent=\d+\)$/
          const cons = (await ask(port, 'cons')).split('\n')
          const own = cons.find((line) => line.includes(`sid=${id},`)) ?? ''
          expectMatch(own, connectionLine('ADDW|EXIS', ',lcxid=0x[0-9a-f]+,lzxid=0x[0-9a-f]+'), 'cons')
          expectEqual(cons.slice(-2), ['', ''], 'cons ends with an empty line')
          const stat = await ask(port, 'stat')
          expectMatch(stat, new RegExp(`^Zookeeper version: .*\nClients:\n( /.*\n)+\n${tail('standalone')}$`), 'stat')
          expectTrue(
            stat.split('\n').every((line) => !line.startsWith(' /') || local.test(line)),
            'stat shows no sessions',
          )
          expectEqual(await ask(port, 'crst'), 'Connection stats reset.\n', 'crst')
          const reset = (await ask(port, 'cons')).split('\n').find((line) => line.includes(`sid=${id},`)) ?? ''
          expectMatch(reset, connectionLine('NA', ',lzxid=0xffffffffffffffff'), 'cons after crst')
          expectTrue(reset.includes('(queued=0,recved=0,sent=0,'), 'counters are zero')
          await session.request(9, opcodes.closeSession)
        })
      },
    },
    {
      title: 'srst resets the counters of the server',
      async run() {
        await withSession(port, root, async (session) => {
          expectEqual(await ask(port, 'srst'), 'Server stats reset.\n', 'srst')
          expectMatch(await ask(port, 'srvr'), /\nLatency min\/avg\/max: 0\/0\.0\/0\nReceived: 1\nSent: 1\n/, 'srvr')
          const mntr = await mntrOf(port)
          expectEqual(mntr.get('zk_last_client_response_size'), '-1', 'zk_last_client_response_size')
          expectEqual(mntr.get('zk_cnt_updatelatency'), '0', 'zk_cnt_updatelatency')
          await session.request(9, opcodes.closeSession)
          expectEqual((await mntrOf(port)).get('zk_cnt_updatelatency'), '1', 'zk_cnt_updatelatency after a write')
        })
      },
    },
    {
      title: 'mntr prints gauges, counters and summaries under the names of ZooKeeper',
      async run() {
        await withSession(port, root, async (session) => {
          const mntr = await mntrOf(port)
          for (const key of gauges) expectTrue(mntr.has(`zk_${key}`), `${key} is present`)
          for (const key of counterNames) expectMatch(mntr.get(`zk_${key}`) ?? '', /^\d+$/, key)
          for (const key of summaryNames) {
            expectMatch(mntr.get(`zk_avg_${key}`) ?? '', doublePattern, `avg_${key}`)
            for (const part of ['min', 'max', 'cnt', 'sum']) {
              expectMatch(mntr.get(`zk_${part}_${key}`) ?? '', /^\d+$/, `${part}_${key}`)
            }
          }
          for (const part of ['p50', 'p95', 'p99', 'p999']) {
            for (const key of ['readlatency', 'updatelatency']) {
              expectMatch(mntr.get(`zk_${part}_${key}`) ?? '', /^\d+$/, `${part}_${key}`)
            }
          }
          const namespace = root.split('/')[1]!
          expectMatch(mntr.get(`zk_cnt_${namespace}_write_per_namespace`) ?? '', /^[1-9]\d*$/, 'writes per namespace')
          expectMatch(mntr.get('zk_avg_latency') ?? '', doublePattern, 'avg_latency')
          expectEqual([mntr.get('zk_server_state'), mntr.has('zk_learners')], ['standalone', false], 'role')
          expectDocumented(mntr)
          await session.request(9, opcodes.closeSession)
        })
      },
    },
  ]
}

export function wordEnsembleChecks(ports: readonly number[], root: string): readonly Check[] {
  return [
    {
      title: 'srvr, conf, dump and mntr have the text of each role',
      async run() {
        await withSession(ports[0]!, root, async (session, id) => {
          await session.request(8, opcodes.sync, bodies.path(root))
          const modes: string[] = []
          for (const port of ports) {
            const mode = /^Mode: (\w+)$/m.exec(await ask(port, 'srvr'))?.[1] ?? 'none'
            modes.push(mode)
            const isLeader = mode === 'leader'
            const ending = isLeader ? 'Proposal sizes last/min/max: -?\\d+/-?\\d+/-?\\d+\n' : ''
            expectMatch(await ask(port, 'srvr'), new RegExp(`^${counters(mode)}${ending}$`), 'srvr')
            const sessions = isLeader ? /^Session Sets \(\d+\)\/\(\d+\):$/ : /^Global Sessions\(\d+\):$/
            expectDump(await ask(port, 'dump'), id, `${root}/e`, sessions)
            await expectRole(port, isLeader)
            expectMatch(
              (await ask(port, 'conf')).split('peerType=0\n')[1] ?? '',
              /^membership: \n(server\.\d=.*:participant;.*\n){3}version=\w+$/,
              'conf',
            )
          }
          expectEqual(modes.sort(), ['follower', 'follower', 'leader'], 'modes')
          await session.request(9, opcodes.closeSession)
        })
      },
    },
    {
      title: 'a server without a quorum answers that it does not serve, except to words that need no data',
      async run() {
        const control = process.env['ZK_CONTROL']!
        const [first, second, third] = ports.map((_, i) => i + 1)
        await fetch(`http://${control}/kill/${second}`)
        await fetch(`http://${control}/kill/${third}`)
        try {
          const port = ports[first! - 1]!
          const deadline = Date.now() + 20_000
          while (!(await ask(port, 'srvr')).startsWith(notServing)) {
            expectTrue(Date.now() < deadline, 'the last server stops serving')
            await new Promise((resolve) => setTimeout(resolve, 100))
          }
          const serving = [
            'srvr',
            'stat',
            'cons',
            'conf',
            'mntr',
            'dirs',
            'dump',
            'crst',
            'srst',
            'wchs',
            'wchc',
            'wchp',
          ]
          for (const word of serving) expectEqual(await ask(port, word), `${notServing}\n`, word)
          expectEqual(await ask(port, 'hash'), notServing, 'hash, without a newline')
          const others = await Promise.all(['ruok', 'isro', 'gtmk'].map((word) => ask(port, word)))
          expectEqual(others, ['imok', 'null', '306'], 'ruok, isro, gtmk')
          expectTrue((await ask(port, 'envi')).startsWith('Environment:\nzookeeper.version='), 'envi')
        } finally {
          await fetch(`http://${control}/start/${second}`)
          await fetch(`http://${control}/start/${third}`)
          await fetch(`http://${control}/wait`)
        }
      },
    },
  ]
}

/** Opens a session with an ephemeral `root`/e that it watches. */
async function withSession(
  port: number,
  root: string,
  check: (session: RawSession, id: string) => Promise<void>,
): Promise<void> {
  const session = await connectRaw({ port })
  await session.request(1, opcodes.create, bodies.create(root, null, 0)) // may exist
  await session.request(2, opcodes.create, bodies.create(`${root}/e`, null, 1))
  await session.request(3, opcodes.exists, bodies.pathAndWatch(`${root}/e`, true))
  try {
    await check(session, `0x${BigInt.asUintN(64, session.sessionId).toString(16)}`)
  } finally {
    session.drop()
  }
}

function expectDump(text: string, id: string, path: string, sessions: RegExp): void {
  const lines = text.split('\n')
  const ephemerals = lines.indexOf('ephemeral nodes dump:')
  const connections = lines.indexOf('Connections dump:')
  expectEqual(lines[0], 'SessionTracker dump:', 'dump begins')
  expectMatch(lines[1] ?? '', sessions, 'the sessions of dump')
  const bucket = /^\d+ expire at \w{3} \w{3} \d\d \d\d:\d\d:\d\d \w+ \d{4}:$/
  const member = /^(\t0x[0-9a-f]+|0x[0-9a-f]+\t\d+ms)$/
  for (const line of lines.slice(2, ephemerals)) expectTrue(bucket.test(line) || member.test(line), `session ${line}`)
  expectTrue(
    lines.slice(2, ephemerals).some((line) => line === `\t${id}` || line.startsWith(`${id}\t`)),
    'dump knows the session',
  )
  expectMatch(lines[ephemerals + 1] ?? '', /^Sessions with Ephemerals \(\d+\):$/, 'the ephemerals of dump')
  const own = lines.indexOf(`${id}:`, ephemerals)
  expectEqual(lines[own + 1], `\t${path}`, 'the ephemeral of the session')
  expectMatch(lines[connections + 1] ?? '', /^Connections Sets \(\d+\)\/\(\d+\):$/, 'the connections of dump')
  const connection = /^\tip: \/127\.0\.0\.1:\d+ sessionId: 0x[0-9a-f]+$/
  for (const line of lines.slice(connections + 2, -1)) {
    expectTrue(bucket.test(line) || connection.test(line), `connection ${line}`)
  }
  expectEqual(lines.at(-1), '', 'dump ends with a newline')
}

async function expectRole(port: number, isLeader: boolean): Promise<void> {
  const mntr = await mntrOf(port)
  expectEqual(mntr.get('zk_server_state'), isLeader ? 'leader' : 'follower', 'server_state')
  expectEqual(mntr.get('zk_peer_state'), isLeader ? 'leading - broadcast' : 'following - broadcast', 'peer_state')
  expectEqual(mntr.get('zk_quorum_size'), '3', 'quorum_size')
  for (const key of leaderGauges) expectEqual(mntr.has(`zk_${key}`), isLeader, key)
  if (isLeader) expectEqual([mntr.get('zk_learners'), mntr.get('zk_synced_followers')], ['2', '2'], 'learners')
  const counted = isLeader ? 'proposal_count' : 'learner_proposal_received_count'
  expectMatch(mntr.get(`zk_${counted}`) ?? '', /^[1-9]\d*$/, counted)
  expectMatch(mntr.get('zk_looking_count') ?? '', /^[1-9]\d*$/, 'looking_count')
  expectMatch(mntr.get('zk_cnt_propagation_latency') ?? '', /^[1-9]\d*$/, 'propagation_latency')
  expectMatch(mntr.get('zk_cnt_proposal_latency') ?? '', isLeader ? /^\d+$/ : /^[1-9]\d*$/, 'proposal_latency')
  expectEqual(mntr.get('zk_digest_mismatches_count'), '0', 'digest_mismatches_count')
  expectDocumented(mntr)
}

/** Of ZooKeeper, too: each of its metrics is one of ours, or docs/reference/metrics.md says why it is missing. */
function expectDocumented(mntr: ReadonlyMap<string, string>): void {
  const { printed, missing } = documentedMetrics()
  const names = [...mntr.keys()].filter((name) => name !== '')
  expectEqual(namesNotIn([...printed, ...missing], names), [], 'names that docs/reference/metrics.md lacks')
}

async function mntrOf(port: number): Promise<ReadonlyMap<string, string>> {
  const text = await ask(port, 'mntr')
  for (const line of text.split('\n').slice(0, -1)) expectMatch(line, /^zk_\S+\t.+$/, 'a line of mntr')
  return new Map(text.split('\n').map((line) => line.split('\t') as [string, string]))
}

function ask(port: number, word: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect({ host: '127.0.0.1', port }, () => socket.write(word))
    socket.setTimeout(5000, () => socket.destroy(new Error(`no answer to ${String(word)}`)))
    socket.on('data', (chunk) => {
      text += chunk.toString('utf8')
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(text))
  })
}

function stmk(mask: bigint): Buffer {
  const bytes = Buffer.alloc(12)
  bytes.write('stmk')
  bytes.writeBigInt64BE(mask, 4)
  return bytes
}

function masked(text: string): string {
  return text.replaceAll(/\d+/g, 'N')
}

function expectMatch(text: string, pattern: RegExp, what: string): void {
  expectTrue(pattern.test(text), `${what}: ${JSON.stringify(text)} does not match ${pattern}`)
}

function counters(mode: string): string {
  return `Zookeeper version: .*, built on \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d UTC\n${tail(mode)}`
}

function tail(mode: string): string {
  return (
    'Latency min/avg/max: \\d+/\\d+\\.\\d{1,4}/\\d+\nReceived: \\d+\nSent: \\d+\nConnections: \\d+\nOutstanding: \\d+\n' +
    `Zxid: 0x[0-9a-f]+\nMode: ${mode}\nNode count: \\d+\n`
  )
}

function connectionLine(op: string, ids: string): RegExp {
  return new RegExp(
    '^ /127\\.0\\.0\\.1:\\d+\\[\\d\\]\\(queued=\\d+,recved=\\d+,sent=\\d+,sid=0x[0-9a-f]+,' +
      `lop=(${op}),est=\\d{13},to=\\d+${ids},lresp=\\d+,llat=\\d+,minlat=\\d+,avglat=\\d+,maxlat=\\d+\\)$`,
  )
}

const notServing = 'This ZooKeeper instance is not currently serving requests'
const doublePattern = /^\d+\.\d{1,4}$/
const confKeys =
  'clientPort secureClientPort dataDir dataDirSize dataLogDir dataLogSize tickTime maxClientCnxns minSessionTimeout maxSessionTimeout clientPortListenBacklog serverId'.split(
    ' ',
  )
const enviKeys =
  'zookeeper.version host.name java.version java.vendor java.home java.class.path java.library.path java.io.tmpdir java.compiler os.name os.arch os.version user.name user.home user.dir os.memory.free os.memory.max os.memory.total'.split(
    ' ',
  )
const gauges =
  'version server_state avg_latency max_latency min_latency packets_received packets_sent num_alive_connections outstanding_requests uptime znode_count watch_count ephemerals_count approximate_data_size global_sessions local_sessions open_file_descriptor_count max_file_descriptor_count connection_drop_probability last_client_response_size max_client_response_size min_client_response_size outstanding_tls_handshake auth_failed_count'.split(
    ' ',
  )
const leaderGauges =
  'learners synced_followers synced_non_voting_followers synced_observers pending_syncs leader_uptime last_proposal_size max_proposal_size min_proposal_size'.split(
    ' ',
  )
const counterNames =
  'bytes_received_count response_bytes watch_bytes commit_count proposal_count diff_count looking_count connection_request_count connection_rejected connection_drop_count connection_revalidate_count revalidate_count sessionless_connections_expired stale_sessions_expired cnxn_closed_without_zk_server_running unrecoverable_error_count learner_proposal_received_count learner_commit_received_count sync_processor_request_queued stale_replies digest_mismatches_count quit_leading_due_to_disloyal_voter slow_leader_count'.split(
    ' ',
  )
const summaryNames =
  'readlatency updatelatency quorum_ack_latency proposal_latency propagation_latency jvm_pause_time_ms fsynctime dbinittime startup_txns_loaded startup_txns_load_time election_time unavailable_time leader_unavailable_time node_created_watch_count node_deleted_watch_count node_changed_watch_count node_children_watch_count connection_token_deficit'.split(
    ' ',
  )
