import { describe, expect, test } from 'vitest'
import { crc32c } from '../../src/base/crc32c.ts'
import type { Epoch, ServerId } from '../../src/base/ids.ts'
import type { ClusterId } from '../../src/protocol/disk/log-record.ts'
import {
  type DataIdentity,
  encodeIdentity,
  encodeSlot,
  isSameFolder,
  readIdentity,
} from '../../src/storage/data-identity.ts'
import { checkWal, type FolderFacts, type FolderPlan, planFolder } from '../../src/storage/identity-plan.ts'
import { encodeIdentity1 } from '../support/identity-files.ts'

const identity: DataIdentity = {
  serverId: 3 as ServerId,
  clusterId: (2 ** 52 + 5) as ClusterId,
  currentEpoch: 7 as Epoch,
  walFolder: '/var/zk log=1/wal',
  walMark: { inode: '131', birth: '1700000000000000001' },
  newestSegment: 12,
  isInitialized: false,
  members: [1, 3] as ServerId[],
}

const slotSizeBytes = 4096

/** Offsets in a file: each byte of the text of a slot, and some of the blanks after it. */
function places(sizeBytes: number): readonly number[] {
  return Array.from({ length: sizeBytes }, (_, i) => i).filter((i) => i % slotSizeBytes < 400 || i % 97 === 0)
}

describe('the identity of a data folder', () => {
  test('an identity reads back as it was written', () => {
    for (const isInitialized of [true, false]) {
      for (const walMark of [identity.walMark, { inode: '131', birth: null }, null]) {
        for (const members of [identity.members, null]) {
          const written = { ...identity, isInitialized, walMark, members }
          const bytes = encodeIdentity(written, '140')
          const slot = { index: 0, sizeBytes: slotSizeBytes, writeNumber: 1 }
          expect(readIdentity(bytes)).toEqual({ kind: 'valid', identity: written, inode: '140', slot })
        }
      }
    }
  })

  test('an identity that an earlier version wrote has no mark of the log folder', () => {
    const text = [
      '# Written by zkts-server: what this data folder is. Do not edit.\nformat=1\nserver=3\ncluster=0x11\nepoch=7\n',
      'initialized=false\nlog=/data/wal\n',
    ].join('')
    const check = crc32c(new TextEncoder().encode(text)).toString(16).padStart(8, '0')
    const reading = readIdentity(new TextEncoder().encode(`${text}check=${check}\n`))
    const known = { walFolder: '/data/wal', walMark: null, newestSegment: 0 }
    expect(reading).toMatchObject({ kind: 'valid', identity: known, inode: null })
  })

  test('a folder is the same by its birth, and by its inode where the birth is unknown', () => {
    const at = (inode: string, birth: string | null) => ({ inode, birth })
    expect(isSameFolder(at('1', '5'), at('1', '5'))).toBe(true)
    expect(isSameFolder(at('1', '5'), at('2', '5'))).toBe(true)
    expect(isSameFolder(at('1', '5'), at('1', '6'))).toBe(false)
    expect(isSameFolder(at('1', null), at('1', '6'))).toBe(true)
    expect(isSameFolder(at('1', null), at('2', null))).toBe(false)
  })

  test('an identity that the previous version wrote is one text, and no changed byte makes it another identity', () => {
    const bytes = encodeIdentity1(identity, '140')
    expect(readIdentity(bytes)).toEqual({ kind: 'valid', identity, inode: '140', slot: null })
    for (let i = 0; i < bytes.length; i++) {
      for (let bit = 1; bit < 256; bit *= 2) {
        const changed = bytes.slice()
        changed[i]! ^= bit
        expect(['damaged', 'newer']).toContain(readIdentity(changed).kind)
      }
      expect(readIdentity(bytes.slice(0, i)).kind).toBe('damaged')
    }
  })

  /** As a server leaves it that has seen epochs 7 and 8: slot 1 is the newer one. */
  function overwritten(): Uint8Array {
    const bytes = encodeIdentity(identity, '140')
    const slot = { index: 1, sizeBytes: slotSizeBytes, writeNumber: 2 } as const
    bytes.set(encodeSlot({ ...identity, currentEpoch: 8 as Epoch }, '140', slot)!, slotSizeBytes)
    return bytes
  }

  test('the slot that was written last has the identity', () => {
    const bytes = overwritten()
    const slot = { index: 1, sizeBytes: slotSizeBytes, writeNumber: 2 } as const
    expect(readIdentity(bytes)).toEqual({
      kind: 'valid',
      identity: { ...identity, currentEpoch: 8 },
      inode: '140',
      slot,
    })
    bytes.set(encodeSlot({ ...identity, currentEpoch: 9 as Epoch }, '140', { ...slot, index: 0, writeNumber: 3 })!)
    expect(readIdentity(bytes)).toMatchObject({ identity: { currentEpoch: 9 }, slot: { index: 0, writeNumber: 3 } })
  })

  test('any changed bit leaves one of the two identities, and a file that is cut is damaged', () => {
    const bytes = overwritten()
    for (const i of places(bytes.length)) {
      for (let bit = 1; bit < 256; bit *= 2) {
        const changed = bytes.slice()
        changed[i]! ^= bit
        const left = { ...identity, currentEpoch: i < slotSizeBytes ? 8 : 7 }
        expect(readIdentity(changed)).toEqual({ kind: 'valid', identity: left, inode: '140', slot: null })
      }
      expect(readIdentity(bytes.slice(0, i)).kind).toBe('damaged')
    }
  })

  test('a file with a changed byte in both slots is damaged or of another format, never another identity', () => {
    const bytes = overwritten()
    for (const i of places(slotSizeBytes)) {
      const changed = bytes.slice()
      changed[i]! ^= 1
      changed[((i * 7) % slotSizeBytes) + slotSizeBytes]! ^= 1
      expect(['damaged', 'newer']).toContain(readIdentity(changed).kind)
    }
  })

  test('a write that reaches a slot in part leaves the identity of the other slot', () => {
    const before = overwritten()
    const next = { index: 0, sizeBytes: slotSizeBytes, writeNumber: 3 } as const
    const slot = encodeSlot({ ...identity, currentEpoch: 9 as Epoch }, '140', next)!
    for (const sizeBytes of [...places(slot.length), slot.length]) {
      const torn = before.slice()
      torn.set(slot.subarray(0, sizeBytes))
      const reading = readIdentity(torn)
      const epoch = reading.kind === 'valid' ? reading.identity.currentEpoch : null
      expect([8, 9]).toContain(epoch)
      if (sizeBytes === slot.length) expect(epoch).toBe(9)
    }
  })

  test('slots have whole sectors, with room for longer numbers, and an identity that is longer needs a new file', () => {
    const inFolder = (length: number) => ({ ...identity, walFolder: `/${'x'.repeat(length)}` })
    const large = { currentEpoch: (2 ** 21) as Epoch, newestSegment: 2 ** 32 }
    for (let length = 1; length < 9000; length += 7) {
      const bytes = encodeIdentity(inFolder(length), '140')
      const reading = readIdentity(bytes)
      if (reading.kind !== 'valid' || reading.slot === null) throw new Error('it does not read back')
      expect(bytes.length % (2 * slotSizeBytes)).toBe(0)
      const next = { ...reading.slot, writeNumber: 2 ** 40 }
      expect(encodeSlot({ ...inFolder(length), ...large }, '140', next)).toHaveLength(bytes.length / 2)
      expect(encodeSlot(inFolder(bytes.length), '140', next)).toBeNull()
    }
  })

  test('an identity of a later format is reported as newer', () => {
    for (const bytes of [encodeIdentity(identity, '140'), encodeIdentity1(identity, '140')]) {
      const text = new TextDecoder().decode(bytes).replaceAll(/format=./g, 'format=3')
      expect(readIdentity(new TextEncoder().encode(text))).toEqual({ kind: 'newer', format: '3' })
    }
  })
})

describe('what a start does with a data folder', () => {
  const fresh = { ...identity, currentEpoch: 0 as Epoch, newestSegment: 0 }
  const other = ['/data/wal']
  const none: readonly string[] = []
  const rows: readonly (readonly [FolderFacts['identity'], boolean, readonly string[], string])[] = [
    ['missing', false, none, 'start-empty'],
    ['missing', false, other, 'log-elsewhere'],
    ['missing', true, none, 'open-log'],
    ['missing', true, other, 'open-log'],
    ['damaged', false, none, 'identity-damaged'],
    ['damaged', false, other, 'identity-damaged'],
    ['damaged', true, none, 'open-log'],
    ['damaged', true, other, 'open-log'],
    [fresh, false, none, 'start-empty'],
    [fresh, false, other, 'log-elsewhere'],
    [fresh, true, none, 'open-log'],
    [fresh, true, other, 'open-log'],
    [identity, false, none, 'log-missing'],
    [identity, false, other, 'log-missing'],
    [identity, true, none, 'open-log'],
    [identity, true, other, 'open-log'],
  ]
  const nameOf = (plan: FolderPlan): string => (plan.kind === 'refuse' ? plan.why : plan.kind)

  test.each(rows)(
    'case %#: identity %j, own log %j, other logs %j leads to %s',
    (known, hasWal, otherWals, outcome) => {
      expect(
        nameOf(
          planFolder({
            identity: known,
            serverId: identity.serverId,
            hasWal,
            isWalExchanged: false,
            isCopy: false,
            isAlone: false,
            otherWals,
          }),
        ),
      ).toBe(outcome)
    },
  )

  test('the folder of another server is refused with or without a log', () => {
    for (const hasWal of [true, false]) {
      const plan = planFolder({
        identity,
        serverId: 2 as ServerId,
        hasWal,
        isWalExchanged: false,
        isCopy: false,
        isAlone: false,
        otherWals: [],
      })
      expect(nameOf(plan)).toBe('of-another-server')
    }
  })

  test('a log that was exchanged is refused', () => {
    const facts = {
      identity,
      serverId: identity.serverId,
      isWalExchanged: true,
      isCopy: false,
      isAlone: false,
      otherWals: none,
    }
    expect(nameOf(planFolder({ ...facts, hasWal: true }))).toBe('log-exchanged')
    expect(nameOf(planFolder({ ...facts, hasWal: false }))).toBe('log-missing')
  })

  test('data that was copied as a whole is refused if its log is present', () => {
    const facts = { identity, serverId: identity.serverId, isWalExchanged: false, isAlone: false, otherWals: none }
    expect(nameOf(planFolder({ ...facts, isCopy: true, hasWal: true }))).toBe('copied')
    expect(nameOf(planFolder({ ...facts, isCopy: true, hasWal: false }))).toBe('log-missing')
  })

  test('the data of a member is refused where the configuration names no other server', () => {
    const facts = { serverId: identity.serverId, isWalExchanged: false, isCopy: false, otherWals: none, isAlone: true }
    for (const hasWal of [true, false]) {
      expect(nameOf(planFolder({ ...facts, identity, hasWal }))).toBe('member-alone')
      const alone = [null, [identity.serverId]]
      const outcome = hasWal ? 'open-log' : 'log-missing'
      for (const members of alone)
        expect(nameOf(planFolder({ ...facts, identity: { ...identity, members }, hasWal }))).toBe(outcome)
      expect(nameOf(planFolder({ ...facts, identity: fresh, hasWal }))).toBe(hasWal ? 'open-log' : 'start-empty')
    }
  })

  test('the folder of another server that has never held data is used', () => {
    const plan = planFolder({
      identity: fresh,
      serverId: 2 as ServerId,
      hasWal: false,
      isWalExchanged: false,
      isCopy: false,
      isAlone: false,
      otherWals: [],
    })
    expect(nameOf(plan)).toBe('start-empty')
    const marked = { ...fresh, isInitialized: true }
    const refused = planFolder({
      identity: marked,
      serverId: 2 as ServerId,
      hasWal: false,
      isWalExchanged: false,
      isCopy: false,
      isAlone: false,
      otherWals: [],
    })
    expect(nameOf(refused)).toBe('of-another-server')
  })

  test.each([
    ['the same', 7, identity.clusterId, null],
    ['a later epoch, as after a crash between the two files', 8, identity.clusterId, null],
    ['an earlier epoch', 6, identity.clusterId, 'older-log'],
    ['no epoch', 0, 0, 'log-emptied'],
    ['another cluster', 7, 5, 'of-another-cluster'],
    ['no cluster, as between two', 7, 0, null],
  ] as const)('a log with %s is judged as %#', (_what, currentEpoch, clusterId, refusal) => {
    for (const unusedSegment of [null, '/data/wal/x']) {
      const log = { currentEpoch: currentEpoch as Epoch, clusterId: clusterId as ClusterId, unusedSegment }
      expect(checkWal(identity, { ...log, newestSegment: 12 })).toBe(refusal)
      expect(checkWal(identity, { ...log, newestSegment: 13 })).toBe(refusal)
      expect(checkWal(identity, { ...log, newestSegment: 11 })).toBe(refusal ?? 'newest-segment-missing')
    }
  })

  test.each([
    [fresh, 0, true, null], // a crash during the first start
    [fresh, 0, false, null],
    [fresh, 7, false, null],
    ['missing', 0, true, 'log-emptied'],
    ['missing', 0, false, null],
    ['missing', 7, true, null], // a crash while a later segment was created
    ['missing', 7, false, null],
    ['damaged', 0, true, 'log-emptied'],
    ['damaged', 0, false, 'log-emptied'],
    ['damaged', 7, true, null],
  ] as const)('identity %j and a log of epoch %i, unused segment %j: %j', (known, currentEpoch, isUnused, refusal) => {
    const log = { currentEpoch: currentEpoch as Epoch, clusterId: 0 as ClusterId }
    const unusedSegment = isUnused ? '/data/wal/x' : null
    expect(checkWal(known, { ...log, newestSegment: 0, unusedSegment })).toBe(refusal)
  })
})
