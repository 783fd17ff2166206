import { expect, it } from 'vitest'
import { CliRig } from './cli-rig.ts'

it.each<[string, string, readonly string[]]>([
  ['get', 'get', ['get ', 'getAcl ', 'getAllChildrenNumber ', 'getEphemerals ']],
  ['help list', 'list', ['listquota ']],
  ['zzz', 'zzz', []],
  ['ls -', '-', ['-s', '--stat', '-w', '--watch', '-R', '--recursive']],
  ['setquota --c', '--c', ['--count', '--count-hard']],
  ['reconfig --m', '--m', ['--members']],
  ['printwatches o', 'o', ['on', 'off']],
  ['addWatch -m PERSISTENT_', 'PERSISTENT_', ['PERSISTENT_RECURSIVE']],
  ['ls /', '/', ['/app', '/apple', '"/two words"', '/zookeeper']],
  ['ls -s /ap', '/ap', ['/app', '/apple']],
  ['get /app/', '/app/', ['/app/x', '/app/y']],
  ['set "/two words/i', '"/two words/i', ['"/two words/in"']],
  ["set '/two words/i", "'/two words/i", ["'/two words/in'"]],
  ['set "/two words/in"', '"/two words/in"', ['"/two words/in"']],
  ['set "/two words/in" "/ap', '"/ap', ['"/app"', '"/apple"']],
  ['ls /two', '/two', ['"/two words"']],
  ["get /app/it's", "/app/it's", []],
  ['get /none/', '/none/', []],
])('the text "%s" is completed', async (text, word, candidates) => {
  const rig = await CliRig.started()
  await rig.shell(['create /app', 'create /apple', 'create /app/y', 'create /app/x', 'create "/two words"'])
  await rig.shell(['create "/two words/in"'])
  expect(await rig.completed(text)).toEqual({ word, candidates })
})

it('an empty line is completed with every command', async () => {
  const rig = await CliRig.started()
  const { candidates } = await rig.completed('')
  expect(candidates).toContain('whoami ')
  expect(candidates).toEqual([...candidates].sort())
})

it('paths are not read without a session', async () => {
  const rig = await CliRig.started()
  let candidates: readonly string[] | undefined
  await rig.shell([
    'close',
    async () => {
      candidates = (await rig.options?.complete('ls /'))?.candidates
    },
  ])
  expect(candidates).toEqual([])
})
