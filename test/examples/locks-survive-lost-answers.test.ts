import { expect, test } from 'vitest'
import { acquireLock, addOne, LockLost } from '../../examples/lock.ts'
import { ServerRig as World } from '../support/server-rig.ts'
import { LossyClient } from './lossy-client.ts'

const folder = '/locks/report'
const text = (data: Uint8Array | null): string => new TextDecoder().decode(data ?? undefined)

async function rig() {
  const world = new World()
  await world.started()
  const one = await LossyClient.connected(world, '10.0.1.1')
  const two = await LossyClient.connected(world, '10.0.1.2')
  return { world, one, two }
}

test('a contender whose create lost its answer finds its znode and stands in the queue once', async () => {
  const { world, one } = await rig()
  // Before it come the answers for /locks and /locks/report.
  one.loseAnswerAfter(2)
  const lock = await world.settle(acquireLock(one.zk, folder))
  expect(one.hasLostAnswer).toBe(true)
  const { children } = await world.settle(one.zk.getChildren(folder))
  expect(children.map((name) => `${folder}/${name}`)).toEqual([lock.path])
})

test('whichever answer is lost, the lock is held, and its release leaves nothing in the queue', async () => {
  for (let count = 0; count < 6; count++) {
    const { world, one, two } = await rig()
    one.loseAnswerAfter(count)
    const lock = await world.settle(acquireLock(one.zk, folder))
    await world.settle(lock.release())
    expect(one.hasLostAnswer, `answer ${count}`).toBe(true)
    expect((await world.settle(two.zk.getChildren(folder))).children, `answer ${count}`).toEqual([])
    const next = await world.settle(acquireLock(two.zk, folder))
    expect(next.fencingToken).toBeGreaterThan(lock.fencingToken)
  }
})

test('the next contender holds the lock only after the first has released it', async () => {
  const { world, one, two } = await rig()
  const first = await world.settle(acquireLock(one.zk, folder))
  let isSecondHeld = false
  const second = acquireLock(two.zk, folder).then((lock) => {
    isSecondHeld = true
    return lock
  })
  await world.run(20_000)
  expect(isSecondHeld).toBe(false)
  await world.settle(first.release())
  expect((await world.settle(second)).fencingToken).toBeGreaterThan(first.fencingToken)
})

test('a holder that is cut off stops at once, and what it still writes after its session is refused', async () => {
  const { world, one, two } = await rig()
  const first = await world.settle(acquireLock(one.zk, folder))
  await world.settle(two.zk.create('/value', new TextEncoder().encode('0')))
  const second = acquireLock(two.zk, folder)
  one.cutOff()
  await world.run(10)
  expect(first.signal.aborted).toBe(true)
  const heldBySecond = await world.settle(second)
  // The holder that was replaced writes through a session that lives, as a suspended process would.
  const late = await LossyClient.connected(world, '10.0.1.3')
  const check = { kind: 'check', path: first.path, version: -1 } as const
  const write = { kind: 'set-data', path: '/value', data: new TextEncoder().encode('old') } as const
  await expect(world.settle(late.zk.multi([check, write]))).rejects.toMatchObject({ failedIndex: 0 })
  await world.settle(heldBySecond.write([{ ...write, data: new TextEncoder().encode('new') }]))
  expect(text((await world.settle(two.zk.getData('/value'))).data)).toBe('new')
})

test('a hold that has ended refuses to write', async () => {
  const { world, one } = await rig()
  const lock = await world.settle(acquireLock(one.zk, folder))
  await world.settle(one.zk.delete(lock.path))
  await expect(world.settle(lock.write([]))).rejects.toBeInstanceOf(LockLost)
})

test('a contender whose session ends while it waits gives up', async () => {
  const { world, one, two } = await rig()
  await world.settle(acquireLock(one.zk, folder))
  const waiting = acquireLock(two.zk, folder)
  waiting.catch(() => {})
  await world.run(100)
  two.cutOff()
  await world.run(20_000)
  two.reconnect()
  await expect(world.settle(waiting)).rejects.toBeInstanceOf(LockLost)
})

test('a write whose answer was lost is counted once', async () => {
  const { world, one } = await rig()
  await world.settle(one.zk.create('/counter', new TextEncoder().encode('0')))
  const lock = await world.settle(acquireLock(one.zk, folder))
  // The answer to the read arrives, the answer to the write does not.
  one.loseAnswerAfter(1)
  await world.settle(addOne(one.zk, lock, '/counter'))
  expect(one.hasLostAnswer).toBe(true)
  expect(text((await world.settle(one.zk.getData('/counter'))).data)).toBe('1')
})
