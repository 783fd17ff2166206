import { expect, test } from 'vitest'
import { openClient } from '../../src/client/connect.ts'
import type { Client } from '../../src/client/types.ts'
import { ScriptedServer } from './scripted-server.ts'
import { VirtualNetwork } from './virtual-network.ts'

function open(network: VirtualNetwork, servers: string): Client {
  const opened = openClient({ servers, sessionTimeoutMs: 6_000, canBeReadOnly: true }, network.ports)
  if (!opened.ok) throw new Error(opened.error)
  return opened.value.client
}

/** A server that answers any bytes with `word`. */
function answersWord(network: VirtualNetwork, port: number, word: string): string[] {
  const asked: string[] = []
  network.open(port, (end) => {
    end.handleBytes((bytes) => {
      asked.push(new TextDecoder().decode(bytes))
      end.send(new TextEncoder().encode(word))
    })
  })
  return asked
}

test('a client that can be read-only says so to the server, and reports that it is', async () => {
  const network = new VirtualNetwork()
  const server = new ScriptedServer(network, 1)
  server.isReadOnly = true
  const client = open(network, 'one:1')
  await network.pass(10)
  expect(server.connects).toMatchObject([{ readOnly: true, sessionId: 0n }])
  expect(client.state).toMatchObject({ kind: 'connected', readOnly: true })
})

test('a session made by a server without a leader is not resumed on another server', async () => {
  const network = new VirtualNetwork()
  const server = new ScriptedServer(network, 1)
  server.isReadOnly = true
  const client = open(network, 'one:1')
  await network.pass(10)
  server.isReadOnly = false
  server.drop()
  await network.pass(500)
  expect(server.connects.at(-1)).toMatchObject({ sessionId: 0n })
  expect(client.state).toMatchObject({ kind: 'connected', readOnly: false })
  server.drop()
  await network.pass(500)
  expect(server.connects.at(-1)).toMatchObject({ sessionId: 0xff00_0000_0000_0001n })
})

test('a read-only client looks for a server with a leader, at growing intervals, and connects to it', async () => {
  const network = new VirtualNetwork()
  const first = new ScriptedServer(network, 1)
  first.isReadOnly = true
  const client = open(network, 'one:1,one:2')
  await network.pass(10)
  expect(client.state).toMatchObject({ kind: 'connected', readOnly: true })
  const asked = answersWord(network, 2, 'ro')
  await network.pass(1_000)
  expect(asked.length).toBeGreaterThan(0)
  expect(asked.length).toBeLessThan(4)
  expect(new Set(asked)).toEqual(new Set(['isro']))
  expect(client.state).toMatchObject({ kind: 'connected', readOnly: true })
  const better = answersWord(network, 2, 'rw')
  for (let i = 0; i < 100 && better.length < 2; i++) await network.pass(100)
  // After the answer rw the client connects: a connect request of 45 bytes after 4 bytes of length.
  expect(better.map((text) => text.length)).toEqual([4, 49])
})

test('a closed client no longer looks for servers', async () => {
  const network = new VirtualNetwork()
  const server = new ScriptedServer(network, 1)
  server.isReadOnly = true
  const client = open(network, 'one:1')
  await network.pass(10)
  client.abandon()
  const dialled = network.dialled.length
  await network.pass(100_000)
  expect(network.dialled.length).toBe(dialled)
})
