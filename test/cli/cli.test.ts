import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { CliContext } from '../../src/cli/cli-context.ts'
import { exitCodes } from '../../src/cli/exit-codes.ts'
import { runCli } from '../../src/cli/program.ts'
import { fieldsOfWord } from '../../src/cli/word-fields.ts'
import { connectWith } from '../../src/client/connect.ts'
import { encode } from '../../src/jute/record.ts'
import { CreateWithStatReply, GetDataReply } from '../../src/protocol/client/replies.ts'
import { ScriptedServer, statOf } from '../client/scripted-server.ts'
import { VirtualNetwork } from '../client/virtual-network.ts'
import { ServerRig } from '../support/server-rig.ts'
import { scriptedEditor } from './scripted-editor.ts'

interface Terminal {
  readonly network: VirtualNetwork
  out: string
  err: string
  run(...argv: readonly string[]): Promise<number>
}

function terminal(input: readonly string[] = []): Terminal {
  const network = new VirtualNetwork()
  const self: Terminal = { network, out: '', err: '', run: (...argv) => runCli(argv, '9.9.9', cli) }
  const cli: CliContext = {
    write: (text) => {
      self.out += text
    },
    writeError: (text) => {
      self.err += text
    },
    lineEditor: scriptedEditor(input),
    lineHistory: { load: async () => [], append: async () => undefined },
    isInteractive: false,
    readFile: async () => '',
    disk: new ServerRig().disk(),
    stores: () => Promise.reject(new Error('no command here needs a store')),
    random: network.ports.random,
    dialer: network.ports.dialer,
    timers: network.ports.timers,
    clock: network.ports.clock,
    connect: (options, connectTimeoutMs) => connectWith(options, connectTimeoutMs, network.ports),
  }
  return self
}

/** A server that answers any bytes with `text` and closes. */
function answeringWords(network: VirtualNetwork, port: number, text: string): void {
  network.open(port, (end) =>
    end.handleBytes(() => {
      end.send(new TextEncoder().encode(text))
      // After the bytes, since the virtual network delivers in order.
      network.ports.timers.after(1, () => end.close())
    }),
  )
}

async function finish(tty: Terminal, running: Promise<number>): Promise<number> {
  let isDone = false
  void running.finally(() => {
    isDone = true
  })
  for (let round = 0; round < 100 && !isDone; round++) await tty.network.pass(500)
  return running
}

test('a four-letter word prints the answer of the server', async () => {
  const tty = terminal()
  answeringWords(tty.network, 2181, 'imok')
  expect(await finish(tty, tty.run('ruok'))).toBe(0)
  expect(tty.out).toBe('imok\n')
})

test('a four-letter word is sent to every server, and one unreachable server decides the status', async () => {
  const tty = terminal()
  answeringWords(tty.network, 1, 'imok')
  answeringWords(tty.network, 3, 'imok')
  expect(await finish(tty, tty.run('ruok', '-s', 'a:1,b:2,c:3'))).toBe(3)
  expect(tty.out).toBe('== a:1\nimok\n== c:3\nimok\n')
  expect(tty.err).toBe('cannot connect to b:2: connection refused (ECONNREFUSED); no server listens on this port\n')
})

test('the failure of each server is printed, and the first decides the status', async () => {
  const tty = terminal()
  answeringWords(tty.network, 2, 'dump is not executed because it is not in the whitelist.\n')
  answeringWords(tty.network, 3, 'dumped')
  answeringWords(tty.network, 4, '')
  expect(await finish(tty, tty.run('dump', '-s', 'a:1,b:2,c:3,d:4'))).toBe(3)
  expect(tty.out).toBe('== c:3\ndumped\n')
  const lines = tty.err.trimEnd().split('\n')
  expect(lines.map((line) => line.slice(0, 30))).toEqual([
    'cannot connect to a:1: connect',
    'b:2: dump is not executed beca',
    'd:4 closed without an answer t',
  ])
  const json = terminal()
  answeringWords(json.network, 2, '')
  expect(await finish(json, json.run('--json', 'ruok', '-s', 'a:1,b:2'))).toBe(3)
  const objects = json.err
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(objects).toMatchObject([
    { server: 'a:1', word: 'ruok', errorName: null },
    { server: 'b:2', word: 'ruok', error: 'b:2 closed without an answer to ruok', errorName: null },
  ])
})

test('a word outside the whitelist is a refusal', async () => {
  const tty = terminal()
  answeringWords(tty.network, 2181, 'dump is not executed because it is not in the whitelist.\n')
  expect(await finish(tty, tty.run('dump'))).toBe(1)
  expect(tty.out).toBe('')
  expect(tty.err).toContain('dump is not executed because it is not in the whitelist.')
  expect(tty.err).toContain('4lw.commands.whitelist')
})

test('a close without an answer is a lost connection', async () => {
  const tty = terminal()
  answeringWords(tty.network, 2181, '')
  expect(await finish(tty, tty.run('wchs'))).toBe(4)
  expect(tty.err).toContain('closed without an answer')
})

test('the answer to hash may be empty', async () => {
  const tty = terminal()
  answeringWords(tty.network, 2181, '')
  expect(await finish(tty, tty.run('hash'))).toBe(0)
  expect([tty.out, tty.err]).toEqual(['', ''])
})

test('stmk sends its mask after the word, and refuses text that is not a mask', async () => {
  const tty = terminal()
  const sent: number[] = []
  tty.network.open(2181, (end) =>
    end.handleBytes((bytes) => {
      sent.push(...bytes)
      end.send(new TextEncoder().encode('258'))
      tty.network.ports.timers.after(1, () => end.close())
    }),
  )
  expect(await finish(tty, tty.run('stmk', '0x102'))).toBe(0)
  expect(sent).toEqual([...new TextEncoder().encode('stmk'), 0, 0, 0, 0, 0, 0, 1, 2])
  expect(tty.out).toBe('258\n')
  expect(await finish(tty, tty.run('stmk', 'all'))).toBe(2)
  expect(await finish(tty, tty.run('stmk', '0xffffffffffffffff'))).toBe(2)
})

test('stat without a path sends the four-letter word, and --json prints its fields', async () => {
  const tty = terminal()
  const text =
    'Zookeeper version: 1, built\nClients:\n /1.2.3.4:5[1](queued=0,recved=6,sent=7)\n\nMode: leader\nNode count: 5\n'
  answeringWords(tty.network, 2181, text)
  expect(await finish(tty, tty.run('stat', '--json'))).toBe(0)
  expect(JSON.parse(tty.out)).toEqual({
    server: '127.0.0.1:2181',
    word: 'stat',
    'Zookeeper version': '1, built',
    Clients: [{ address: '1.2.3.4', port: 5, interestOps: 1, queued: 0, recved: 6, sent: 7 }],
    Mode: 'leader',
    'Node count': 5,
  })
})

test('mntr and conf become fields, and numbers in them become numbers', () => {
  expect(fieldsOfWord('mntr', 'zk_version\t3.9.5-x, built\nzk_avg_latency\t0.5\n')).toEqual({
    zk_version: '3.9.5-x, built',
    zk_avg_latency: 0.5,
  })
  expect(fieldsOfWord('conf', 'clientPort=1\nserver.1=a:1:2;3')).toEqual({ clientPort: 1, 'server.1': 'a:1:2;3' })
})

test('one command connects, prints and closes its session', async () => {
  const tty = terminal()
  const server = new ScriptedServer(tty.network, 2181)
  const running = tty.run('get', '/a')
  await tty.network.pass(10)
  server.reply(server.take().xid, encode(GetDataReply, { data: new TextEncoder().encode('hé'), stat: statOf(0) }))
  await tty.network.pass(10)
  const closing = server.take()
  expect(closing.op).toBe('closeSession')
  server.reply(closing.xid)
  expect(await finish(tty, running)).toBe(0)
  expect(tty.out).toBe('hé\n')
})

test('a refusal by the server exits with 1 and its name as JSON', async () => {
  const tty = terminal()
  const server = new ScriptedServer(tty.network, 2181)
  const running = tty.run('--json', 'delete', '/a')
  await tty.network.pass(10)
  server.reply(server.take().xid, undefined, -111)
  await tty.network.pass(10)
  server.reply(server.take().xid)
  expect(await finish(tty, running)).toBe(1)
  expect(JSON.parse(tty.err)).toMatchObject({ errorName: 'not-empty' })
})

test('without a server the status is 3 and the message names the servers that were tried', async () => {
  const tty = terminal()
  expect(await finish(tty, tty.run('-s', 'a:1,b:2', '--timeout', '700', 'ls', '/'))).toBe(3)
  expect(tty.err).toContain('no server of a:1,b:2 accepted a session within 700 ms')
})

test.each([
  [['frobnicate']],
  [['get']],
  [['ls', '--timeout', 'x', '/']],
  [['ruok', '-s', 'a:b']],
  [['get', '--wat', '/a']],
])('the command line %j is a usage error', async (argv) => {
  const tty = terminal()
  expect(await finish(tty, tty.run(...argv))).toBe(2)
  expect(tty.err).not.toBe('')
})

test('the shell runs piped lines, goes on after a failure and exits with its status', async () => {
  const tty = terminal(['bogus', 'create -e /e "two words"', 'quit'])
  const server = new ScriptedServer(tty.network, 2181)
  const running = tty.run()
  await tty.network.pass(10)
  const create = server.take()
  expect(new TextDecoder().decode(create.body)).toContain('two words')
  server.reply(create.xid, encode(CreateWithStatReply, { path: '/e', stat: statOf(0) }))
  await tty.network.pass(10)
  server.reply(server.take().xid)
  expect(await finish(tty, running)).toBe(2)
  expect(tty.out).toBe('Created /e\n')
})

test('the shell prints a watch when it fires', async () => {
  const tty = terminal(['get -w /a', 'get /a'])
  const server = new ScriptedServer(tty.network, 2181)
  const running = tty.run()
  await tty.network.pass(10)
  const body = encode(GetDataReply, { data: null, stat: statOf(0) })
  server.reply(server.take().xid, body)
  await tty.network.pass(10)
  server.event(3, '/a', 0x10)
  server.reply(server.take().xid, body)
  await tty.network.pass(10)
  server.reply(server.take().xid)
  expect(await finish(tty, running)).toBe(0)
  expect(tty.out).toBe('null\nwatch: /a data-changed at 0x10\nnull\n')
})

test('docs/reference/cli.md lists the exit statuses of the table', () => {
  const page = readFileSync(new URL('../../docs/reference/cli.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| (\d+) \| (.+) \|$/gm)].map(([, code, meaning]) => [Number(code), meaning])
  expect(rows).toEqual(Object.values(exitCodes).map(({ code, meaning }) => [code, meaning]))
})
