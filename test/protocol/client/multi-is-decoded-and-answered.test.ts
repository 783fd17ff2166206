import { describe, expect, it } from 'vitest'
import { JuteWriter } from '../../../src/jute/jute-writer.ts'
import {
  decodeMulti,
  type MultiOp,
  writeMultiCheckResult,
  writeMultiCreateResult,
  writeMultiDeleteResult,
  writeMultiEnd,
  writeMultiFailure,
  writeMultiRequest,
  writeMultiSetDataResult,
} from '../../../src/protocol/client/multi.ts'
import { bytesOf, hexOf } from '../../support/hex.ts'
import { SeededRandom } from '../../support/seeded-random.ts'

const end = 'ffffffff 01 ffffffff'
const pathA = '00000002 2f61'
const refused = { ok: false, error: 'marshalling-error' }

function header(type: number): string {
  return `${(type >>> 0).toString(16).padStart(8, '0')} 00 ffffffff `
}

const noEntries = '00000000'

function createPart(type: number, flags: number, ttlMs: number | null = null, acl = noEntries): string {
  const ttl = ttlMs === null ? '' : ttlMs.toString(16).padStart(16, '0')
  return `${header(type)} ${pathA} ffffffff ${acl} ${(flags >>> 0).toString(16).padStart(8, '0')} ${ttl} `
}

function decodedOps(hex: string): readonly MultiOp[] {
  const decoded = decodeMulti(bytesOf(hex))
  if (!decoded.ok) throw new Error(decoded.error)
  return decoded.value
}

function written(write: (writer: JuteWriter) => void): string {
  const writer = new JuteWriter()
  write(writer)
  return hexOf(writer.take())
}

describe('a multi request', () => {
  it('decodes into its parts in order', () => {
    const parts = [
      createPart(1, 3),
      `${header(2)} ${pathA} ffffffff`,
      `${header(5)} ${pathA} 00000001 ff 00000004`,
      `${header(13)} ${pathA} 00000002`,
      end,
    ]
    expect(decodedOps(parts.join(' '))).toEqual([
      { kind: 'create', op: 'create', path: '/a', data: null, acl: [], flags: 3, ttlMs: -1n },
      { kind: 'delete', path: '/a', version: -1 },
      { kind: 'set-data', path: '/a', data: bytesOf('ff'), version: 4 },
      { kind: 'check', path: '/a', version: 2 },
    ])
  })

  it('may be empty', () => {
    expect(decodedOps(end)).toEqual([])
  })

  it.each([
    { what: 'create with container flags', hex: createPart(1, 4), op: 'createContainer', ttlMs: -1n },
    { what: 'create2 with container flags', hex: createPart(15, 4), op: 'createContainer', ttlMs: -1n },
    { what: 'createTTL with container flags', hex: createPart(21, 4, 9), op: 'createContainer', ttlMs: -1n },
    { what: 'createContainer with sequential flags', hex: createPart(19, 2), op: 'createContainer', ttlMs: -1n },
    { what: 'createTTL with plain flags', hex: createPart(21, 0, 9), op: 'create', ttlMs: -1n },
    { what: 'createTTL with TTL flags', hex: createPart(21, 6, 9), op: 'createTTL', ttlMs: 9n },
    { what: 'createTTL with flags that mean nothing', hex: createPart(21, -1, 9), op: 'create', ttlMs: -1n },
    { what: 'create2 with plain flags', hex: createPart(15, 1), op: 'create2', ttlMs: -1n },
  ])('takes $what for $op', ({ hex, op, ttlMs }) => {
    expect(decodedOps(hex + end)).toMatchObject([{ kind: 'create', op, ttlMs }])
  })

  it.each([1, 15, 19])('does not decode when a create with the opcode %i has no ACL list', (type) => {
    expect(decodeMulti(bytesOf(createPart(type, 0, null, 'ffffffff') + end)).ok).toBe(false)
  })

  it('decodes when it is a createTTL that has no ACL list', () => {
    expect(decodedOps(createPart(21, 5, 9, 'ffffffff') + end)).toMatchObject([{ op: 'createTTL', acl: null }])
  })

  it.each([
    ['TTL flags in create', createPart(1, 5)],
    ['TTL flags in create2', createPart(15, 6)],
    ['TTL flags in createContainer', createPart(19, 5)],
    ['flags above 6', createPart(1, 7)],
    ['negative flags', createPart(15, -1)],
    ['a read', `${header(4)} ${pathA} 00`],
    ['setACL', `${header(7)} ${pathA} ffffffff ffffffff`],
    ['deleteContainer', `${header(20)} ${pathA}`],
    ['an unknown opcode', header(999)],
    ['a null path', `${header(2)} ffffffff ffffffff`],
  ])('is refused as a whole for %s', (_what, hex) => {
    expect(decodeMulti(bytesOf(`${header(13)} ${pathA} 00000002 ${hex} ${end}`))).toEqual(refused)
  })

  it('is refused when cut off anywhere, the end marker included', () => {
    const whole = bytesOf(`${createPart(1, 0)} ${header(5)} ${pathA} 00000001 ff 00000004 ${end}`)
    for (let size = 0; size < whole.length; size++) {
      // The error field of the end marker has no meaning, but a marker without it is malformed.
      expect(decodeMulti(whole.subarray(0, size)), `${size} bytes`).toEqual(refused)
    }
    expect(decodeMulti(whole).ok).toBe(true)
  })

  it('round-trips through the encoder of clients', () => {
    const random = new SeededRandom(31)
    for (let round = 0; round < 300; round++) {
      const multiOps = Array.from({ length: random.below(6) }, () => randomOp(random))
      const encoded = written((writer) => writeMultiRequest(writer, multiOps))
      expect(decodedOps(encoded)).toEqual(multiOps)
    }
  })

  it('never throws on damaged bytes', () => {
    const random = new SeededRandom(32)
    const good = bytesOf(`${createPart(1, 0)} ${createPart(21, 5, 9)} ${header(13)} ${pathA} 00000002 ${end}`)
    let refusedCount = 0
    for (let round = 0; round < 3000; round++) {
      const bytes = round % 3 === 0 ? random.bytes(random.below(80)) : good.slice()
      for (let hits = 1 + random.below(3); hits > 0 && bytes.length > 0; hits--) {
        bytes[random.below(bytes.length)] = random.below(256)
      }
      if (!decodeMulti(bytes).ok) refusedCount++
    }
    expect(refusedCount).toBeGreaterThan(1000)
  })
})

describe('a multi reply', () => {
  it('gives each part its type and body, and the type create2 to each part with a Stat', () => {
    const stat = Uint8Array.from({ length: 68 }, (_, i) => i)
    const body = written((writer) => {
      writeMultiCreateResult(writer, '/a', null)
      writeMultiCreateResult(writer, '/a', stat)
      writeMultiDeleteResult(writer)
      writeMultiSetDataResult(writer, stat)
      writeMultiCheckResult(writer)
      writeMultiEnd(writer)
    })
    const expected = [
      `00000001 00 00000000 ${pathA}`,
      `0000000f 00 00000000 ${pathA} ${hexOf(stat)}`,
      '00000002 00 00000000',
      `00000005 00 00000000 ${hexOf(stat)}`,
      '0000000d 00 00000000',
      end,
    ]
    expect(body).toBe(expected.join('').replaceAll(' ', ''))
  })

  it('says 0 before the refused part, its error at it, and RuntimeInconsistency after it', () => {
    const body = written((writer) => writeMultiFailure(writer, 4, 1, 'node-exists'))
    const expected = [
      'ffffffff 00 00000000 00000000',
      'ffffffff 00 ffffff92 ffffff92',
      'ffffffff 00 fffffffe fffffffe',
      'ffffffff 00 fffffffe fffffffe',
      end,
    ]
    expect(body).toBe(expected.join('').replaceAll(' ', ''))
  })
})

function randomOp(random: SeededRandom): MultiOp {
  const path = `/${random.text(6)}`
  const data = random.chance(3) ? null : random.bytes(random.below(5))
  const version = random.int32()
  switch (random.below(4)) {
    case 0:
      return { kind: 'delete', path, version }
    case 1:
      return { kind: 'set-data', path, data, version }
    case 2:
      return { kind: 'check', path, version }
    default: {
      const isTtl = random.chance(3)
      const entry = { perms: random.int32(), scheme: 'world', id: random.chance(2) ? null : 'x' }
      const acl = isTtl && random.chance(3) ? null : random.chance(3) ? [] : [entry]
      return isTtl
        ? {
            kind: 'create',
            op: 'createTTL',
            path,
            data,
            acl,
            flags: 5 + random.below(2),
            ttlMs: BigInt(random.below(1000)),
          }
        : {
            kind: 'create',
            op: random.pick(['create', 'create2']),
            path,
            data,
            acl,
            flags: random.below(4),
            ttlMs: -1n,
          }
    }
  }
}
