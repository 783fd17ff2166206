import { expect, test } from 'vitest'
import { configOf, ServerRig } from '../support/server-rig.ts'
import { CliRig } from './cli-rig.ts'

const configText = 'dataDir=/data\ndataLogDir=/log\nclientPort=2181\nclientPortAddress=10.0.0.1\ndb.autocreate=false\n'

function rigWithConfig(): CliRig {
  const rig = new CliRig(new ServerRig())
  rig.files['/etc/zoo.cfg'] = configText
  return rig
}

test('data initialize lets a server without data start, and refuses once it has data', async () => {
  const rig = rigWithConfig()
  const done = await rig.run('data', 'initialize', '/etc/zoo.cfg')
  expect(done).toMatchObject({ status: 0, err: '' })
  expect(done.out).toContain('/data/initialize')
  const { server } = rig.simulation.server(configOf(configText, null), rig.disk)
  expect((await rig.simulation.settle(server.start())).ok).toBe(true)
  await rig.simulation.run(100)
  await rig.simulation.settle(server.close())
  for (const path of ['/etc/zoo.cfg', '/data']) {
    const refused = await rig.run('data', 'initialize', path)
    expect(refused).toMatchObject({ status: 1, out: '' })
    expect(refused.err).toBe(
      '/data/identity contains data; to start without data, move it away first. Nothing was changed.\n',
    )
  }
  expect(rig.disk.paths()).not.toContain('/data/initialize')
})

test.each(['/data', '/log'])(
  'data initialize refuses while a server without data runs with its log in %s',
  async (logDir) => {
    const rig = new CliRig(new ServerRig())
    const members = [1, 2, 3].map((id) => `server.${id}=10.0.0.${id}:2888:3888;2181`)
    const lines = [
      'initLimit=10',
      'syncLimit=5',
      'dataDir=/data',
      `dataLogDir=${logDir}`,
      'db.autocreate=false',
      ...members,
    ]
    const text = lines.join('\n')
    rig.files['/etc/zoo.cfg'] = text
    const { server } = rig.simulation.server(configOf(text, '1\n'), rig.disk)
    expect((await rig.simulation.settle(server.start())).ok).toBe(true)
    for (const path of ['/etc/zoo.cfg', '/data']) {
      const refused = await rig.run('data', 'initialize', path)
      expect(refused).toMatchObject({ status: 1, out: '' })
      expect(refused.err).toMatch(/^a server runs in this folder; stop it first\. Nothing was changed\. /)
    }
    expect(rig.disk.paths()).not.toContain('/data/initialize')
    await rig.simulation.settle(server.close())
    for (let i = 0; i < 2; i++) expect((await rig.run('data', 'initialize', '/data')).status).toBe(0)
  },
)

test('data initialize refuses a log without an identity, and data of Apache ZooKeeper, in either folder', async () => {
  for (const path of ['/log/wal/0000000000000001-00000001.log', '/data/version-2/snapshot.0', '/log/version-2/log.1']) {
    const rig = rigWithConfig()
    rig.disk.placeAtOnce(path)
    const refused = await rig.run('data', 'initialize', '/etc/zoo.cfg')
    expect(refused.status).toBe(1)
    expect(refused.err).toContain(`${path.slice(0, path.lastIndexOf('/'))} contains data`)
  }
})

test('a second data initialize changes nothing, and a folder may be given instead of a zoo.cfg', async () => {
  const rig = rigWithConfig()
  await rig.run('data', 'initialize', '/etc/zoo.cfg')
  const again = await rig.run('--json', 'data', 'initialize', '/data')
  expect(again).toMatchObject({ status: 0, out: '{"created":"/data/initialize"}\n' })
})

test('a path that is neither a configuration nor a folder is a wrong command line', async () => {
  const rig = rigWithConfig()
  rig.files['/empty.cfg'] = 'clientPort=2181\n'
  expect(await rig.run('data', 'initialize', '/none')).toMatchObject({
    status: 2,
    err: expect.stringContaining('/none'),
  })
  expect((await rig.run('data', 'initialize', '/empty.cfg')).err).toContain('/empty.cfg has no dataDir')
})
