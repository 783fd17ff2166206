import { expect, test } from 'vitest'
import { openClient } from '../../src/client/connect.ts'
import type { Client } from '../../src/client/types.ts'
import { ScriptedServer } from './scripted-server.ts'
import { VirtualWorld } from './virtual-world.ts'

function open(world: VirtualWorld, servers: string): Client {
  const opened = openClient({ servers, sessionTimeoutMs: 6_000, canBeReadOnly: true }, world.ports)
  if (!opened.ok) throw new Error(opened.error)
  return opened.value.client
}

/** A server that answers whatever it hears with a word. */
function answersWord(world: VirtualWorld, port: number, word: string): string[] {
  const asked: string[] = []
  world.open(port, (end) => {
    end.handleBytes((bytes) => {
      asked.push(new TextDecoder().decode(bytes))
      end.send(new TextEncoder().encode(word))
    })
  })
  return asked
}

test('a client that can be read-only says so, and tells when it is', async () => {
  const world = new VirtualWorld()
  const server = new ScriptedServer(world, 1)
  server.isReadOnly = true
  const client = open(world, 'one:1')
  await world.pass(10)
  expect(server.connects).toMatchObject([{ readOnly: true, sessionId: 0n }])
  expect(client.state).toMatchObject({ kind: 'connected', readOnly: true })
})

test('the session of a server without a leader is not brought to another', async () => {
  const world = new VirtualWorld()
  const server = new ScriptedServer(world, 1)
  server.isReadOnly = true
  const client = open(world, 'one:1')
  await world.pass(10)
  server.isReadOnly = false
  server.drop()
  await world.pass(500)
  expect(server.connects.at(-1)).toMatchObject({ sessionId: 0n })
  expect(client.state).toMatchObject({ kind: 'connected', readOnly: false })
  server.drop()
  await world.pass(500)
  expect(server.connects.at(-1)).toMatchObject({ sessionId: 0xff00_0000_0000_0001n })
})

test('a read-only client asks for a server with a leader, at longer and longer intervals, and goes there', async () => {
  const world = new VirtualWorld()
  const first = new ScriptedServer(world, 1)
  first.isReadOnly = true
  const client = open(world, 'one:1,one:2')
  await world.pass(10)
  expect(client.state).toMatchObject({ kind: 'connected', readOnly: true })
  const asked = answersWord(world, 2, 'ro')
  await world.pass(1_000)
  expect(asked.length).toBeGreaterThan(0)
  expect(asked.length).toBeLessThan(4)
  expect(new Set(asked)).toEqual(new Set(['isro']))
  expect(client.state).toMatchObject({ kind: 'connected', readOnly: true })
  const better = answersWord(world, 2, 'rw')
  for (let i = 0; i < 100 && better.length < 2; i++) await world.pass(100)
  // Having heard that word it connects there, with a connect request of 45 bytes behind their length.
  expect(better.map((text) => text.length)).toEqual([4, 49])
})

test('a client that has ended stops to ask', async () => {
  const world = new VirtualWorld()
  const server = new ScriptedServer(world, 1)
  server.isReadOnly = true
  const client = open(world, 'one:1')
  await world.pass(10)
  client.abandon()
  const dialled = world.dialled.length
  await world.pass(100_000)
  expect(world.dialled.length).toBe(dialled)
})
