import { expect, test } from 'vitest'
import { readMultiResults, toMultiOps } from '../../src/client/multi.ts'
import { MultiError, type MultiRequest } from '../../src/client/types.ts'
import { JuteWriter } from '../../src/jute/jute-writer.ts'
import { encode } from '../../src/jute/record.ts'
import {
  decodeMulti,
  writeMultiCheckResult,
  writeMultiCreateResult,
  writeMultiDeleteResult,
  writeMultiEnd,
  writeMultiFailure,
  writeMultiRequest,
} from '../../src/protocol/client/multi.ts'
import { Stat } from '../../src/protocol/client/stat.ts'
import { statOf } from './scripted-server.ts'

const requests: readonly MultiRequest[] = [
  { kind: 'check', path: '/a', version: 3 },
  { kind: 'create', path: '/a/b-', mode: 'ephemeral-sequential' },
  { kind: 'delete', path: '/c' },
]

test('a multi request decodes on the server to the same operations, below the chroot', () => {
  const writer = new JuteWriter()
  writeMultiRequest(writer, toMultiOps(requests, '/app'))
  expect(decodeMulti(writer.take())).toMatchObject({
    ok: true,
    value: [
      { kind: 'check', path: '/app/a', version: 3 },
      { kind: 'create', op: 'create2', path: '/app/a/b-', flags: 3, data: null },
      { kind: 'delete', path: '/app/c', version: -1 },
    ],
  })
})

test('the results of a multi come back one for each request, without the chroot', () => {
  const writer = new JuteWriter()
  writeMultiCheckResult(writer)
  writeMultiCreateResult(writer, '/app/a/b-0000000001', encode(Stat, statOf(0)))
  writeMultiDeleteResult(writer)
  writeMultiEnd(writer)
  expect(readMultiResults(requests, '/app', writer.take())).toMatchObject([
    { kind: 'check' },
    { kind: 'create', path: '/a/b-0000000001', stat: { version: 0 } },
    { kind: 'delete' },
  ])
})

test('a refused multi throws with the index of the failed operation', () => {
  const writer = new JuteWriter()
  writeMultiFailure(writer, 3, 1, 'no-node')
  let thrown: unknown = null
  try {
    readMultiResults(requests, '', writer.take())
  } catch (error) {
    thrown = error
  }
  expect(thrown).toBeInstanceOf(MultiError)
  expect(thrown).toMatchObject({
    errorName: 'no-node',
    failedIndex: 1,
    path: '/a/b-',
    errorNames: [null, 'no-node', 'runtime-inconsistency'],
  })
})

test('a multi reply that is cut off is an error and not an empty success', () => {
  const writer = new JuteWriter()
  writeMultiCheckResult(writer)
  expect(() => readMultiResults(requests, '', writer.take())).toThrow(/marshalling-error/)
})
