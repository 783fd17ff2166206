/** The operations and errors that a campaign should have reached and did not. */
import type { ErrorName } from '../../src/base/errors.ts'
import { opNames, ops } from '../../src/protocol/client/operations.ts'
import type { FuzzCounts } from './fuzz-counts.ts'

/** What a standalone server answers to requests; the other codes need circumstances that the fuzzer does not make. */
const errorsExpected: readonly ErrorName[] = [
  'marshalling-error',
  'unimplemented',
  'bad-arguments',
  'no-node',
  'no-auth',
  'bad-version',
  'no-children-for-ephemerals',
  'node-exists',
  'not-empty',
  'invalid-acl',
  'auth-failed',
  'no-watcher',
  'reconfig-disabled',
  'quota-exceeded',
]

export function neverReached(counts: FuzzCounts): readonly string[] {
  // Operations of the server itself need its local key, which the fuzzer does not have.
  const served = opNames.filter((name) => ops[name].implemented && !['internal', 'operator'].includes(ops[name].access))
  return [
    ...served
      .filter((name) => name !== 'reconfig') // which is always refused
      .filter((name) => (counts.byOp.get(name)?.succeeded ?? 0) === 0)
      .map((name) => `a successful ${name}`),
    ...errorsExpected.filter((error) => !counts.byError.has(error)).map((error) => `the error ${error}`),
  ]
}
