import { expect, test } from 'vitest'
import { schema } from '../../src/protocol/schema.ts'
import { ensembleConfig, ServerRig } from '../support/server-rig.ts'

/** The methods that protobufjs writes for a type when it is first used. */
const written = ['encode', 'decode', 'verify', 'fromObject', 'toObject']

function isCompiled(type: object): boolean {
  return written.every((method) => Object.hasOwn(type, method))
}

test('a member of an ensemble has compiled the codec of each txn before it can be elected', async () => {
  // Other tests of this worker have used the codec.
  for (const type of schema.nestedArray) for (const method of written) Reflect.deleteProperty(type, method)
  const rig = new ServerRig()
  const { server } = rig.server(ensembleConfig(1)) // the other members do not run
  expect(schema.nestedArray.filter(isCompiled)).toEqual([])
  expect((await rig.settle(server.start())).ok).toBe(true)
  expect(schema.nestedArray.filter((type) => !isCompiled(type))).toEqual([])
  await rig.settle(server.close())
})
