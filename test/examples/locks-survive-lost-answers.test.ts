import { expect, test } from 'vitest'
import { acquireLock, addOne, LockLost } from '../../examples/lock.ts'
import { LossyClient, twoClients } from './lossy-client.ts'

const folder = '/locks/report'
const text = (data: Uint8Array | null): string => new TextDecoder().decode(data ?? undefined)

test('a contender that loses the answer to its create finds its znode and is in the queue once', async () => {
  const { simulation, one } = await twoClients()
  // Two answers pass first, those for /locks and /locks/report.
  one.loseAnswerAfter(2)
  const lock = await simulation.settle(acquireLock(one.zk, folder))
  expect(one.hasLostAnswer).toBe(true)
  const { children } = await simulation.settle(one.zk.getChildren(folder))
  expect(children.map((name) => `${folder}/${name}`)).toEqual([lock.path])
})

test('whichever answer is lost, the lock is acquired, and its release empties the queue', async () => {
  for (let count = 0; count < 6; count++) {
    const { simulation, one, two } = await twoClients()
    one.loseAnswerAfter(count)
    const lock = await simulation.settle(acquireLock(one.zk, folder))
    await simulation.settle(lock.release())
    expect(one.hasLostAnswer, `answer ${count}`).toBe(true)
    expect((await simulation.settle(two.zk.getChildren(folder))).children, `answer ${count}`).toEqual([])
    const next = await simulation.settle(acquireLock(two.zk, folder))
    expect(next.fencingToken).toBeGreaterThan(lock.fencingToken)
  }
})

test('the next contender holds the lock only after the first has released it', async () => {
  const { simulation, one, two } = await twoClients()
  const first = await simulation.settle(acquireLock(one.zk, folder))
  let isSecondHeld = false
  const second = acquireLock(two.zk, folder).then((lock) => {
    isSecondHeld = true
    return lock
  })
  await simulation.run(20_000)
  expect(isSecondHeld).toBe(false)
  await simulation.settle(first.release())
  expect((await simulation.settle(second)).fencingToken).toBeGreaterThan(first.fencingToken)
})

test('a holder that is disconnected stops at once, and its writes after the end of its session are refused', async () => {
  const { simulation, one, two } = await twoClients()
  const first = await simulation.settle(acquireLock(one.zk, folder))
  await simulation.settle(two.zk.create('/value', new TextEncoder().encode('0')))
  const second = acquireLock(two.zk, folder)
  one.cutOff()
  await simulation.run(10)
  expect(first.signal.aborted).toBe(true)
  const heldBySecond = await simulation.settle(second)
  // The replaced holder writes through another session, as a suspended process would through a new connection.
  const late = await LossyClient.connected(simulation, '10.0.1.3')
  const check = { kind: 'check', path: first.path, version: -1 } as const
  const write = { kind: 'set-data', path: '/value', data: new TextEncoder().encode('old') } as const
  await expect(simulation.settle(late.zk.multi([check, write]))).rejects.toMatchObject({ failedIndex: 0 })
  await simulation.settle(heldBySecond.write([{ ...write, data: new TextEncoder().encode('new') }]))
  expect(text((await simulation.settle(two.zk.getData('/value'))).data)).toBe('new')
})

test('a hold that has ended refuses to write', async () => {
  const { simulation, one } = await twoClients()
  const lock = await simulation.settle(acquireLock(one.zk, folder))
  await simulation.settle(one.zk.delete(lock.path))
  await expect(simulation.settle(lock.write([]))).rejects.toBeInstanceOf(LockLost)
})

test('a contender whose session ends while it waits gives up', async () => {
  const { simulation, one, two } = await twoClients()
  await simulation.settle(acquireLock(one.zk, folder))
  const waiting = acquireLock(two.zk, folder)
  waiting.catch(() => {})
  await simulation.run(100)
  two.cutOff()
  await simulation.run(20_000)
  two.reconnect()
  await expect(simulation.settle(waiting)).rejects.toBeInstanceOf(LockLost)
})

test('a write that loses its answer is counted once', async () => {
  const { simulation, one } = await twoClients()
  await simulation.settle(one.zk.create('/counter', new TextEncoder().encode('0')))
  const lock = await simulation.settle(acquireLock(one.zk, folder))
  // The answer to the read arrives, the answer to the write does not.
  one.loseAnswerAfter(1)
  await simulation.settle(addOne(one.zk, lock, '/counter'))
  expect(one.hasLostAnswer).toBe(true)
  expect(text((await simulation.settle(one.zk.getData('/counter'))).data)).toBe('1')
})
