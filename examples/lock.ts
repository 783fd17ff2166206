/**
 * A lock that one process at a time holds, across machines, and writes that only the holder can make.
 *
 *   npx tsx examples/lock.ts [host:port,…]
 *
 * Each contender creates an ephemeral-sequential znode. The lowest number holds the lock. Every other contender watches
 * the znode just before its own, so that a release wakes one of them and not all.
 *
 * If you copy this, keep these two precautions:
 * - A create whose reply was lost may have happened. The name of the znode contains a random id, by which this
 *   contender finds its znode again. Otherwise the forgotten znode would block the queue until the session ends.
 * - A holder that is disconnected or suspended does not notice that its session expires and that the next contender
 *   gets the lock. `signal` aborts when the connection is lost, but a suspended process does not see that. Therefore
 *   `write` checks, in one transaction with the write, that the znode of this hold still exists. For a store outside
 *   the ensemble there is `fencingToken`: the store must refuse a token lower than the highest one that it has seen.
 */
import { randomUUID } from 'node:crypto'
import { type Client, connect, MultiError, type MultiRequest, type ZnodeStat } from 'zkts/client'
import { createFolders, isMainModule, isRefusal, untilAnswered } from './answers.ts'

export interface Lock {
  /** The znode of this hold. */
  readonly path: string
  /** Every later hold has a higher one. */
  readonly fencingToken: number
  /** Aborts when the connection is lost or the session ends. Stop the protected work then. */
  readonly signal: AbortSignal
  /** Performs all the writes if the lock is still held; otherwise none, and rejects with `LockLost`. */
  write(requests: readonly MultiRequest[]): Promise<void>
  /** Releases the lock. While disconnected it waits for the connection. */
  release(): Promise<void>
}

export class LockLost extends Error {}

/** Waits until the lock is held. `data` is for observers, who find it in the lowest znode of `folder`. */
export async function acquireLock(zk: Client, folder: string, data: Uint8Array | null = null): Promise<Lock> {
  await createFolders(zk, folder)
  const path = await enterQueue(zk, folder, data)
  try {
    const { czxid } = await waitForTurn(zk, folder, path)
    return holdLock(zk, path, czxid)
  } catch (error) {
    await leaveQueue(zk, path)
    throw error
  }
}

function holdLock(zk: Client, path: string, fencingToken: number): Lock {
  const controller = new AbortController()
  const stopListening = zk.onStateChange(({ kind }) => {
    if (kind !== 'connected') controller.abort(new LockLost(`${path}: the client is ${kind}`))
  })
  if (zk.state.kind !== 'connected') controller.abort(new LockLost(`${path}: the client is ${zk.state.kind}`))
  return {
    path,
    fencingToken,
    signal: controller.signal,
    async write(requests) {
      try {
        await zk.multi([{ kind: 'check', path, version: -1 }, ...requests])
      } catch (error) {
        if (error instanceof MultiError && error.failedIndex === 0) throw new LockLost(`${path} no longer exists`)
        throw error
      }
    },
    async release() {
      stopListening()
      await leaveQueue(zk, path)
    },
  }
}

async function enterQueue(zk: Client, folder: string, data: Uint8Array | null): Promise<string> {
  const attempt = randomUUID()
  for (;;) {
    try {
      return (await zk.create(`${folder}/${attempt}-`, data, { mode: 'ephemeral-sequential' })).path
    } catch (error) {
      if (!isRefusal(error, 'connection-loss')) throw error
    }
    // The client may now be connected to a server that lags. After sync it shows every write that was committed before.
    await untilAnswered(() => zk.sync(folder))
    const own = (await queueOf(zk, folder)).find((name) => name.startsWith(attempt))
    if (own !== undefined) return `${folder}/${own}`
  }
}

async function waitForTurn(zk: Client, folder: string, path: string): Promise<ZnodeStat> {
  for (;;) {
    const names = await queueOf(zk, folder)
    const index = names.indexOf(path.slice(folder.length + 1))
    if (index === -1) throw new LockLost(`${path} no longer exists`)
    if (index === 0) return (await untilAnswered(() => zk.getData(path))).stat
    await changeOf(zk, `${folder}/${names[index - 1]}`)
  }
}

/** Resolves when the znode changes or is deleted. Rejects when the session ends, since no watch fires after that. */
function changeOf(zk: Client, path: string): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const stopListening = zk.onStateChange(({ kind }) => {
      if (kind === 'expired' || kind === 'closed' || kind === 'auth-failed')
        settle(new LockLost(`the client is ${kind}`))
    })
    const settle = (error: unknown): void => {
      stopListening()
      if (error === null || isRefusal(error, 'no-node')) resolve()
      else reject(error)
    }
    // getData, not exists: on a missing znode exists would leave a watch that waits for its creation.
    untilAnswered(() => zk.getData(path, { watch: () => settle(null) })).catch(settle)
  })
}

/** The names sorted by their number, which is the last ten digits. */
async function queueOf(zk: Client, folder: string): Promise<readonly string[]> {
  const { children } = await untilAnswered(() => zk.getChildren(folder))
  return [...children].sort((a, b) => Number(a.slice(-10)) - Number(b.slice(-10)))
}

async function leaveQueue(zk: Client, path: string): Promise<void> {
  try {
    await untilAnswered(() => zk.delete(path))
  } catch (error) {
    // An earlier attempt whose reply was lost has deleted it, or it was deleted with its session.
    if (!isRefusal(error, 'no-node', 'session-expired')) throw error
  }
}

// --- the demonstration: three contenders add to one counter ---

/**
 * The expected version makes it safe to repeat the write: if the first attempt took effect, the second is refused. Only
 * holders write here, so a refusal means that our own first attempt took effect.
 */
export async function addOne(zk: Client, lock: Lock, path: string): Promise<void> {
  const { data, stat } = await untilAnswered(() => zk.getData(path))
  const next = new TextEncoder().encode(String(Number(new TextDecoder().decode(data ?? undefined)) + 1))
  try {
    await untilAnswered(() => lock.write([{ kind: 'set-data', path, data: next, version: stat.version }]))
  } catch (error) {
    if (!isRefusal(error, 'bad-version')) throw error
  }
}

async function main(servers: string): Promise<void> {
  const clients = await Promise.all([connect(servers), connect(servers), connect(servers)])
  const [first] = clients
  const run = `/examples/lock-${randomUUID()}`
  await createFolders(first!, run)
  await first!.create(`${run}/counter`, new TextEncoder().encode('0'))
  await Promise.all(
    clients.map(async (zk, index) => {
      for (let i = 0; i < 5; i++) {
        const lock = await acquireLock(zk, `${run}/queue`)
        try {
          await addOne(zk, lock, `${run}/counter`)
          console.log(`contender ${index + 1} wrote with token ${lock.fencingToken}`)
        } finally {
          await lock.release()
        }
      }
    }),
  )
  const { data } = await first!.getData(`${run}/counter`)
  console.log(`the counter is ${new TextDecoder().decode(data ?? undefined)}`)
  for (const zk of clients) await zk.close()
}

if (isMainModule(import.meta.url)) await main(process.argv[2] ?? '127.0.0.1:2181')
