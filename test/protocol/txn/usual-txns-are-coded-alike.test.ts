/** The short ways to encode and to decode a txn give what the general codec gives, or leave the txn to it. */
import { expect, test } from 'vitest'
import type { ServerId, SessionId } from '../../../src/base/ids.ts'
import type { AclEntry, Change, Txn } from '../../../src/protocol/txn/txn.ts'
import { decodeAnyTxn, encodeAnyTxn, encodeTxn } from '../../../src/protocol/txn/txn-codec.ts'
import { decodeUsualTxn } from '../../../src/protocol/txn/usual-txn-decoder.ts'
import { encodeUsualTxn } from '../../../src/protocol/txn/usual-txn-encoder.ts'
import { SeededRandom } from '../../support/seeded-random.ts'

const int32Edges = [0, 1, -1, 63, -64, 2 ** 20, 2 ** 27 - 1, -(2 ** 27), 2 ** 27, 2 ** 31 - 1, -(2 ** 31)] as const
const uint32Edges = [0, 1, 127, 128, 2 ** 28 - 1, 2 ** 32 - 1] as const
const sessionEdges = [0n, 1n, 0x0100_0000_0000_0001n, -(2n ** 63n), -1n].map((id) => id as SessionId)
const paths = ['', '/', '/a', '/long/'.padEnd(300, 'x'), '/é', '/名', '/\u{1f600}'] as const
const entries: readonly AclEntry[] = [
  { perms: 31, scheme: 'world', id: 'anyone' },
  { perms: 31, scheme: 'world', id: 'anyonf' },
  { perms: 0, scheme: '', id: '' },
  { perms: -1, scheme: 'digest', id: 'é:x' },
  { perms: 2 ** 31 - 1, scheme: 'ip', id: '10.0.0.1' },
]

function randomTxn(random: SeededRandom): Txn {
  const data = random.pick([null, new Uint8Array(0), Uint8Array.of(0x80, 1, 2), new Uint8Array(17_000).fill(7)])
  const path = random.pick(paths)
  const create: Change = {
    kind: 'create',
    path,
    data,
    acl: Array.from({ length: random.below(3) }, () => random.pick(entries)),
    ephemeralOwner: random.pick(sessionEdges),
    parentCreateCount: random.pick(int32Edges),
    withStat: random.chance(2),
  }
  const setData: Change = { kind: 'set-data', path, data, version: random.pick(int32Edges) }
  const one = random.pick<Change>([create, setData, create, setData, { kind: 'delete', path }, { kind: 'check', path }])
  const changes = random.chance(8) ? [] : random.chance(8) ? [one, setData] : [one]
  const origin = {
    serverId: random.pick(uint32Edges) as ServerId,
    incarnation: random.pick(uint32Edges),
    sequence: random.pick([0, 1, 2 ** 52]),
  }
  return {
    timeMs: random.pick([0, 1_700_000_000_123, -1]),
    sessionId: random.pick(sessionEdges),
    origin: random.chance(4) ? null : origin,
    isMulti: random.chance(4),
    changes,
  }
}

/** One text, since comparing long arrays byte by byte takes long. */
function textOf(txn: Txn): string {
  return JSON.stringify(txn, (_key, value: unknown) => {
    if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`
    return typeof value === 'bigint' ? `${value}n` : value
  })
}

test('both encoders write the same bytes for every txn that the short one encodes, and it encodes the usual ones', () => {
  const random = new SeededRandom(7)
  const usualKinds = new Map<string, number>()
  const kept: { readonly bytes: Uint8Array; readonly text: string }[] = []
  for (let i = 0; i < 1500; i += 1) {
    const txn = randomTxn(random)
    const usual = encodeUsualTxn(txn)
    if (usual === null) continue
    const text = Buffer.from(usual).toString('hex')
    expect(text).toBe(Buffer.from(encodeAnyTxn(txn)).toString('hex'))
    kept.push({ bytes: usual, text })
    const { kind } = txn.changes[0]!
    usualKinds.set(kind, (usualKinds.get(kind) ?? 0) + 1)
  }
  expect([...usualKinds.keys()].sort()).toEqual(['create', 'delete', 'set-data'])
  expect(Math.min(...usualKinds.values())).toBeGreaterThan(100)
  // Later txns have not changed the bytes of earlier ones, with which they may share memory.
  for (const { bytes, text } of kept) expect(Buffer.from(bytes).toString('hex')).toBe(text)
})

test('both decoders agree about every txn that the short one decodes, and it decodes the usual ones', () => {
  const random = new SeededRandom(8)
  let usualCount = 0
  for (let i = 0; i < 1500; i += 1) {
    const bytes = encodeTxn(randomTxn(random))
    const usual = decodeUsualTxn(bytes)
    if (usual === null) continue
    usualCount += 1
    expect(textOf(usual)).toBe(textOf(decodeAnyTxn(bytes)))
  }
  expect(usualCount).toBeGreaterThan(250)
})

test('bytes that end too early, or have another field, are left to the general decoder', () => {
  const random = new SeededRandom(9)
  for (let i = 0; i < 200; i += 1) {
    const bytes = encodeTxn({ ...randomTxn(random), timeMs: 5 })
    const short = bytes.subarray(0, random.below(Math.min(bytes.length, 400)))
    const usual = decodeUsualTxn(short)
    if (usual !== null) expect(textOf(usual)).toBe(textOf(decodeAnyTxn(short)))
    expect(decodeUsualTxn(Uint8Array.of(...bytes.subarray(0, 9), 0x38, 1, ...bytes.subarray(9, 2000)))).toBeNull()
  }
})
