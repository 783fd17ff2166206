import { expect, it } from 'vitest'
import { JuteReader } from '../../../src/jute/jute-reader.ts'
import { JuteWriter } from '../../../src/jute/jute-writer.ts'
import { MultiHeader } from '../../../src/protocol/client/headers.ts'
import { writeMultiRequest } from '../../../src/protocol/client/multi.ts'
import { type ReadOp, writeMultiReadRequest } from '../../../src/protocol/client/multi-read.ts'
import { GetChildrenReply, GetDataReply } from '../../../src/protocol/client/replies.ts'
import type { ReadAnswer } from '../../../src/replica/reads/read-answer.ts'
import { bytesOf, hexOf } from '../../support/hex.ts'
import { ReadRig } from './read-rig.ts'

const otherHostOnly = [{ perms: 31, scheme: 'ip', id: '10.0.0.1' }]
const end = 'ffffffff01ffffffff'

function readAll(rig: ReadRig, ...readOps: readonly ReadOp[]): ReadAnswer {
  const writer = new JuteWriter()
  writeMultiReadRequest(writer, readOps)
  return rig.ask('multiRead', writer.take())
}

/** `[4, data]`, `[8, names]` or `[-1, code]` for each part. */
function partsOf(answer: ReadAnswer): readonly unknown[] {
  if (answer.body === null) throw new Error('no body')
  const reader = new JuteReader(answer.body)
  const parts: unknown[] = []
  for (;;) {
    const header = MultiHeader.read(reader)
    if (header.done) break
    if (header.type === 4) parts.push([4, hexOf(GetDataReply.read(reader).data ?? new Uint8Array(0))])
    else if (header.type === 8) parts.push([8, GetChildrenReply.read(reader).children])
    else parts.push([header.type, reader.readInt(), header.error])
  }
  expect([reader.failed, reader.remainingBytes]).toEqual([false, 0])
  return parts
}

function filledRig(): ReadRig {
  const rig = new ReadRig()
  rig.driver.create('/a', { data: bytesOf('cafe') })
  rig.driver.create('/a/b')
  rig.driver.create('/closed', { acl: otherHostOnly })
  return rig
}

it('a multiRead answers each of its reads in order', () => {
  const answer = readAll(filledRig(), { op: 'getData', path: '/a' }, { op: 'getChildren', path: '/a' })
  expect(answer.error).toBeNull()
  expect(partsOf(answer)).toEqual([
    [4, 'cafe'],
    [8, ['b']],
  ])
})

it('a multiRead continues after a read that is refused', () => {
  const answer = readAll(
    filledRig(),
    { op: 'getData', path: '/none' },
    { op: 'getData', path: '/closed' },
    { op: 'getChildren', path: '/closed' },
    { op: 'getData', path: '/a' },
  )
  expect(answer.error).toBeNull()
  expect(partsOf(answer)).toEqual([
    [-1, -101, -101],
    [-1, -102, -102],
    [-1, -102, -102],
    [4, 'cafe'],
  ])
})

it('a part of a multiRead has the same bytes as the single read', () => {
  const rig = filledRig()
  const alone = rig.ask('getData', bytesOf('00000002 2f61 00')).body
  const answer = readAll(rig, { op: 'getData', path: '/a' })
  expect(hexOf(answer.body!)).toBe(`000000040000000000${hexOf(alone!)}${end}`)
})

it('an empty multiRead is answered with only its end', () => {
  const answer = readAll(new ReadRig())
  expect([answer.error, hexOf(answer.body!)]).toEqual([null, end])
})

it('a multiRead registers no watch even if its parts ask for one', () => {
  const rig = filledRig()
  const answer = rig.ask('multiRead', bytesOf(`00000004 00 ffffffff 00000002 2f61 01 ${end}`))
  expect(answer.error).toBeNull()
  expect(rig.watches.watchCount).toBe(0)
})

it('a multiRead of writes is refused with a body that has only the end', () => {
  const writer = new JuteWriter()
  writeMultiRequest(writer, [{ kind: 'delete', path: '/a', version: -1 }])
  const answer = filledRig().ask('multiRead', writer.take())
  expect([answer.error, hexOf(answer.body!)]).toEqual(['marshalling-error', end])
})

it('a multiRead with a null path is refused with the results before it', () => {
  const answer = readAll(
    filledRig(),
    { op: 'getChildren', path: '/a' },
    { op: 'getData', path: null },
    { op: 'getData', path: '/a' },
  )
  expect(answer.error).toBe('marshalling-error')
  expect(partsOf(answer)).toEqual([[8, ['b']]])
})

it('a multiRead that does not decode is refused without a body', () => {
  expect(filledRig().ask('multiRead', bytesOf('00000003 00 ffffffff 00000002 2f61 00'))).toMatchObject({
    error: 'marshalling-error',
    body: null,
  })
})

it('a multiRead whose reply would pass its limit is refused without a body', () => {
  const rig = new ReadRig()
  rig.driver.create('/large', { data: new Uint8Array(1_000_000) })
  const large = { op: 'getData', path: '/large' } as const
  expect(readAll(rig, ...new Array<ReadOp>(60).fill(large)).error).toBeNull()
  expect(readAll(rig, ...new Array<ReadOp>(70).fill(large))).toMatchObject({ error: 'marshalling-error', body: null })
})
