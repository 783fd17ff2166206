/** Requests to the AdminServer as values: which are answered, and with what. */
import { expect, test } from 'vitest'
import type { AdminCommand, CommandAnswer } from '../../src/admin/commands/admin-command.ts'
import { answerHttp } from '../../src/http/admin-routes.ts'
import type { HttpRequest } from '../../src/ports/http.ts'
import { details, environment, leading, status } from '../admin/admin-sources.ts'

const changes: unknown[] = []

function run(command: AdminCommand, args: ReadonlyMap<string, string>): CommandAnswer {
  const facts = { environment, wallMs: 1_000_000, leaderId: null }
  const answer = command.answer({ status, details, ...facts }, args)
  if (answer.action !== null) changes.push(answer.action)
  return answer
}

const routes = { commandUrl: '/commands', names: ['zk1', 'zk1.example.com'], run }

function ask(target: string, headers: HttpRequest['headers'] = {}, method = 'GET'): ReturnType<typeof answerHttp> {
  return answerHttp({ method, target, headers: { host: '127.0.0.1:8080', ...headers } }, routes)
}

test('a command is answered under its name and its aliases, with its name and a field error', () => {
  for (const name of ['server_stats', 'srvr', '%73rvr']) {
    const { status: code, headers, body } = ask(`/commands/${name}`)
    expect([code, headers['Content-Type']]).toEqual([200, 'application/json;charset=utf-8'])
    expect(JSON.parse(body)).toMatchObject({ command: 'server_stats', error: null, node_count: 89 })
  }
})

test('an unknown command, and one that a server does not answer now, have status 200 and an error, as in ZooKeeper', () => {
  const unknown = ask('/commands/../%2e%2e/etc')
  expect([unknown.status, JSON.parse(unknown.body)]).toEqual([
    200,
    { command: '../../etc', error: 'Unknown command: ../../etc' },
  ])
  const notServing = answerHttp(
    { method: 'GET', target: '/commands/ruok', headers: { host: 'localhost' } },
    { ...routes, run: () => null },
  )
  expect(JSON.parse(notServing.body)).toEqual({
    command: 'ruok',
    error: 'This ZooKeeper instance is not currently serving requests',
  })
})

test('the commands are listed as links', () => {
  const { body } = ask('/commands')
  expect(body).toContain('<a href="/commands/monitor">monitor</a>')
  expect(ask('/commands/').body).toBe(body)
})

test('what is no command page is refused with a status that says why', () => {
  expect(ask('/').status).toBe(404)
  expect(ask('/commandsx').status).toBe(404)
  expect(ask('/commands/%zz').status).toBe(400)
  expect(ask('/commands/stmk?traceMask=%').status).toBe(400)
  const wrongMethod = ask('/commands/ruok', {}, 'DELETE')
  expect([wrongMethod.status, wrongMethod.headers['Allow']]).toEqual([405, 'GET, HEAD, POST'])
})

test('a page whose name was changed to resolve to this server is refused', () => {
  for (const host of ['evil.example', 'evil.example:8080', 'zk1.example.com.evil.example']) {
    expect(ask('/commands/ruok', { host }).status, host).toBe(403)
  }
  for (const host of ['', 'a b', 'x@127.0.0.1', '127.0.0.1/x']) {
    expect(ask('/commands/ruok', { host }).status, host).toBe(400)
  }
  for (const host of ['zk1', 'ZK1.example.com:8080', 'localhost:1', '[::1]:8080', '10.1.2.3']) {
    expect(ask('/commands/ruok', { host }).status, host).toBe(200)
  }
  const anyName = answerHttp(
    { method: 'GET', target: '/commands/ruok', headers: { host: 'other' } },
    { ...routes, names: ['*'] },
  )
  expect(anyName.status).toBe(200)
})

test('a page of another site changes nothing and reads nothing', () => {
  changes.length = 0
  const foreign = [{ origin: 'http://evil.example' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }]
  for (const headers of foreign) {
    for (const method of ['GET', 'POST']) expect(ask('/commands/srst', headers, method).status).toBe(403)
  }
  expect(changes).toEqual([])
  expect(ask('/commands/srst', { origin: 'http://127.0.0.1:8080', 'sec-fetch-site': 'same-origin' }).status).toBe(200)
  expect(changes).toEqual([{ kind: 'reset-server-statistics' }])
})

test('the trace mask is set from an argument, and a wrong one is an error', () => {
  changes.length = 0
  expect(JSON.parse(ask('/commands/stmk?traceMask=306&traceMask=1').body)).toEqual({
    tracemask: 306,
    command: 'set_trace_mask',
    error: null,
  })
  expect(changes).toEqual([{ kind: 'set-trace-mask', traceMask: 306n }])
  expect(JSON.parse(ask('/commands/stmk').body).error).toBe('setTraceMask requires long traceMask argument')
  expect(JSON.parse(ask('/commands/stmk?traceMask=9223372036854775808').body).error).toContain(
    'got 9223372036854775808',
  )
  expect(changes).toHaveLength(1)
})

test('session ids are the signed 64-bit numbers of Java, without loss of digits', () => {
  const { body } = ask('/commands/cons')
  expect(body).toContain('"session_id" : 72057735066943581')
  expect(ask('/commands/wchc').body).toContain(`"${BigInt.asIntN(64, 0xff00020d5fc0001n)}"`)
})

test('the leader of an ensemble is named', () => {
  const serve = (command: AdminCommand, args: ReadonlyMap<string, string>): CommandAnswer =>
    command.answer({ status: leading, details, environment, wallMs: 0, leaderId: leading.serverId }, args)
  const fields = (name: string): unknown =>
    JSON.parse(
      answerHttp(
        { method: 'GET', target: `/commands/${name}`, headers: { host: 'localhost' } },
        { ...routes, run: serve },
      ).body,
    )
  expect(fields('lead')).toEqual({ is_leader: true, leader_id: 2, leader_ip: '::2', command: 'leader', error: null })
  expect(fields('voting_view')).toMatchObject({
    current_config: {
      2: {
        server_addresses: ['[::2]:2889'],
        election_addresses: ['[::2]:3889'],
        client_address: '[::1]:2182',
        learner_type: 'participant',
      },
    },
  })
  expect(fields('zabstate')).toMatchObject({ myid: 2, is_leader: true, voting: true, zabstate: 'broadcast' })
})

/** The fields of Apache ZooKeeper 3.9.5 (Commands.java and the classes that it shows), without `command` and `error`. */
const zooKeeperFields: Readonly<Record<string, readonly string[]>> = {
  configuration: [
    'client_port',
    'data_dir',
    'data_log_dir',
    'tick_time',
    'max_client_cnxns',
    'min_session_timeout',
    'max_session_timeout',
    'server_id',
    'client_port_listen_backlog',
  ],
  connection_stat_reset: [],
  connections: ['connections', 'secure_connections'],
  dirs: ['datadir_size', 'logdir_size'],
  dump: ['expiry_time_to_session_ids', 'session_id_to_ephemeral_paths'],
  get_trace_mask: ['tracemask'],
  hash: ['digests'],
  initial_configuration: ['initial_configuration'],
  is_read_only: ['read_only'],
  last_snapshot: ['zxid', 'timestamp'],
  leader: [],
  observer_connection_stat_reset: [],
  observers: ['synced_observers', 'observers'],
  ruok: [],
  server_stats: ['version', 'read_only', 'server_stats', 'client_response', 'node_count'],
  stat_reset: [],
  stats: ['version', 'read_only', 'server_stats', 'client_response', 'node_count', 'connections', 'secure_connections'],
  voting_view: ['current_config'],
  watch_summary: ['num_connections', 'num_paths', 'num_total_watches'],
  watches: ['session_id_to_watched_paths'],
  watches_by_path: ['path_to_session_ids'],
  zabstate: ['voting', 'zabstate'],
}

test.each(Object.entries(zooKeeperFields))('%s has the fields of ZooKeeper on a standalone server', (name, fields) => {
  const shown = JSON.parse(ask(`/commands/${name}`).body) as Record<string, unknown>
  expect(Object.keys(shown).sort()).toEqual([...fields, 'command', 'error'].sort())
})
