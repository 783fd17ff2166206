/**
 * The entry of a thread for tests. Its checkpoints do what the number that they are to advance to says, so that a test
 * can make the thread fail in each way. They have a real store open meanwhile, which the next thread has to open.
 */
import { existsSync, rmSync } from 'node:fs'
import { getPriority } from 'node:os'
import { threadId } from 'node:worker_threads'
import { assert } from '../../src/base/assert.ts'
import type { ChainHash } from '../../src/base/chain-hash.ts'
import { damageCode } from '../../src/base/disk-failure.ts'
import type { Zxid } from '../../src/base/ids.ts'
import { hostCheckpoints } from '../../src/io/checkpoint-host.ts'
import { levelStores } from '../../src/io/level-stores.ts'
import { nodeDisk } from '../../src/io/node-disk.ts'
import type { CheckpointFacts, Checkpoints } from '../../src/ports/checkpoints.ts'
import type { KeyValueStore } from '../../src/ports/key-values.ts'
import type { Log } from '../../src/ports/log.ts'
import { deeds } from './scripted-checkpoint-deeds.ts'

/** The `znodeCount` is the number of the thread. */
function factsAt(zxid: number): CheckpointFacts {
  return {
    zxid: zxid as Zxid,
    hash: (zxid * 2 ** 32) as ChainHash,
    origin: 'folded',
    clusterId: 0,
    epoch: 1,
    znodeCount: threadId,
    sessionCount: 0,
    digest: '00',
    digestVersion: 2,
  }
}

function scripted(folder: string, log: Log): Checkpoints {
  let store: KeyValueStore | null = null
  const open: Checkpoints['open'] = async () => {
    if (store !== null) return { ok: true, value: null }
    if (existsSync(`${folder}/damaged`))
      return { ok: false, error: { kind: 'damaged', message: `${folder} is damaged` } }
    const opened = await levelStores(nodeDisk()).open(`${folder}/store`, true)
    if (!opened.ok) return opened
    store = opened.value
    return { ok: true, value: null }
  }
  let wasOpened = false
  /** As the keeper: a store that could not be opened is opened again. */
  const opened = async (): Promise<KeyValueStore> => {
    assert(wasOpened, 'the checkpoint was opened before it is used')
    const outcome = await open()
    if (!outcome.ok) throw Object.assign(new Error(outcome.error.message), { code: damageCode })
    return store!
  }
  return {
    open() {
      wasOpened = true
      return open()
    },
    clean: async () => undefined,
    discard: async () => rmSync(`${folder}/damaged`, { force: true }),
    async advance(through) {
      const store = await opened()
      await store.write([{ key: Uint8Array.of(through), value: new Uint8Array(1000) }], [])
      await store.view().read(Uint8Array.of(), null, 10)
      return advanced(through, log)
    },
    verify: async () => ({ ok: true, value: { facts: factsAt(1), repaired: null } }),
    async copy(hasChecksums = true) {
      await opened()
      return {
        facts: factsAt(1),
        hasChecksums,
        chunkCount: 2,
        async chunk(number) {
          if (number === 2) return null
          const bytes = new Uint8Array(2_000_000).fill(number + 1)
          return number === 0 ? bytes.subarray(500_000, 1_500_000) : bytes
        },
        close: async () => undefined,
      }
    },
    history,
    receive,
    sizeBytes: async () => 77,
    close: async () => store?.close(),
  }
}

/** Each part has one txn, up to `through`. A history after txn 9 is not in the log. */
const history: Checkpoints['history'] = async (after, through) => {
  if (after.zxid === 9) return { ok: false, error: { kind: 'log-begins-later', oldest: 10 as Zxid } }
  let zxid: number = after.zxid
  return {
    ok: true,
    value: {
      async next() {
        if (zxid >= through) return null
        zxid++
        const bytes = new Uint8Array(2_000).fill(zxid).subarray(500, 1_500)
        return { bytes, txnCount: 1, last: { zxid: zxid as Zxid, hash: (after.hash + zxid) as ChainHash } }
      },
      close: async () => undefined,
    },
  }
}

const receive: Checkpoints['receive'] = async () => {
  let sum = 0
  return {
    async add(number, chunk) {
      if (chunk.some((byte) => byte !== number)) return false
      sum += chunk.length
      return true
    },
    finish: async ({ hash }) => ({ ...factsAt(sum), hash }),
    abort: async () => undefined,
  }
}

async function advanced(through: number, log: Log): Promise<CheckpointFacts> {
  switch (through) {
    case deeds.failWithCode:
      throw Object.assign(new Error('no space left'), { code: 'ENOSPC', kind: 'damaged' })
    case deeds.throwOutside:
      setImmediate(() => {
        throw new Error('not expected')
      })
      return new Promise(() => undefined)
    case deeds.fillTheHeap: {
      const kept: unknown[][] = []
      for (;;) kept.push(new Array(1_000_000).fill(kept))
    }
    case deeds.violateAnInvariant:
      assert(false, 'this is never true')
      break
    case deeds.neverAnswer:
      return new Promise(() => undefined)
    case deeds.loopForever:
      for (;;);
    case deeds.logManyLines:
      for (let i = 0; i < 1000; i++) log.info('line', { i, err: Object.assign(new Error('text'), { code: 'EIO' }) })
      break
    case deeds.tellPriority:
      return { ...factsAt(through), sessionCount: getPriority() }
    case deeds.leaveGarbage:
      whenCollected = new FinalizationRegistry(() => log.info('garbage-collected'))
      whenCollected.register({}, null)
      break
    default:
  }
  return factsAt(through)
}

/** In a variable of the module, since a registry that is garbage itself calls no callback. */
let whenCollected: FinalizationRegistry<null>

const idleMs = 10

hostCheckpoints(
  ({ log }) =>
    ({ folder }) =>
      scripted(folder, log),
  idleMs,
)
