/** `restore` on the command line, and servers that start in the folders that it made. */
import { expect, test } from 'vitest'
import { backedUp, backupPath, fileOf, writeBytes } from '../backup/backup-rig.ts'
import { clientPort, configOf, ServerRig } from '../support/server-rig.ts'
import { CliRig, type Ran } from './cli-rig.ts'

const shape = { txnCount: 40, checkpointAt: 20, ends: [39] }

/** The machine of one server, with a backup on its disk. */
async function machine(simulation: ServerRig, lines: readonly string[], id: number | null = null): Promise<CliRig> {
  const rig = new CliRig(simulation)
  rig.files['/etc/zoo.cfg'] = ['dataDir=/data', 'dataLogDir=/log', 'tickTime=1000', 'skipACL=yes', ...lines].join('\n')
  if (id !== null) {
    rig.files['/data/myid'] = `${id}\n`
    rig.disk.placeAtOnce('/data/myid')
  }
  const { pieces } = await backedUp(1, shape)
  await simulation.settle(writeBytes(rig.disk, await fileOf(pieces)))
  return rig
}

const standalone = [`clientPort=${clientPort}`, 'clientPortAddress=10.0.0.1']

function restore(rig: CliRig, ...options: readonly string[]): Promise<Ran> {
  return rig.run('restore', '--from', backupPath, '--config', '/etc/zoo.cfg', ...options)
}

test('a standalone server serves what was restored, and keeps it and later writes over a restart', async () => {
  const rig = await machine(new ServerRig(), standalone)
  const { simulation, disk } = rig
  const restored = await restore(rig)
  expect(restored).toMatchObject({ status: 0, err: '' })
  expect(restored.out).toMatch(
    /^restored \/data up to 0x700000028, of \S+Z: \d+ znodes, \d+ sessions\ncluster 0x\w+, epoch 9\n$/,
  )
  const znodeCount = Number(/(\d+) znodes/.exec(restored.out)![1])
  const config = configOf(rig.files['/etc/zoo.cfg']!, null)
  for (const [start, made] of ['/one', '/two'].entries()) {
    const { server } = simulation.server(config, disk)
    expect(await simulation.settle(server.start())).toMatchObject({ ok: true })
    await simulation.run(100)
    // The metric counts the root twice.
    expect((await simulation.metrics()).get('znode_count')).toBe(znodeCount + 1 + start)
    expect(await rig.run('create', made, 'x')).toMatchObject({ status: 0 })
    if (start === 1) expect((await rig.run('get', '/one')).out).toBe('x\n')
    await simulation.settle(server.close())
  }
  expect(simulation.events('log-restarted')).toMatchObject([{ zxid: '0x700000028' }])
  const again = await restore(rig)
  expect(again).toMatchObject({ status: 1, out: '', err: expect.stringMatching(/^\/data\/identity holds data\. Move/) })
})

test('members that were restored with the command that the first restore prints form one ensemble', async () => {
  const simulation = new ServerRig()
  const lines = [
    'initLimit=10',
    'syncLimit=5',
    ...[1, 2, 3].map((id) => `server.${id}=10.0.0.${id}:2888:3888;${clientPort}`),
  ]
  const rigs = await Promise.all([1, 2, 3].map((id) => machine(simulation, lines, id)))
  const first = await restore(rigs[0]!, '--to-zxid', '0x700000024')
  expect(first.status).toBe(0)
  const printed = /^ {2}zkts-cli (restore .*)$/m.exec(first.out)![1]!
  expect(printed).toContain('--to-zxid 0x700000024 ')
  const argv = printed.replace('--config zoo.cfg', '--config /etc/zoo.cfg').split(' ')
  const second = await rigs[1]!.run(...argv, '--json')
  expect(JSON.parse(second.out)).toMatchObject({ serverId: 2, zxid: '0x700000024', epoch: 9, time: expect.any(String) })
  // The third member starts with empty folders.
  for (const [index, rig] of rigs.entries()) {
    const config = configOf(rig.files['/etc/zoo.cfg']!, `${index + 1}\n`)
    const { server } = simulation.server(config, rig.disk, `10.0.0.${index + 1}`)
    expect(await simulation.settle(server.start())).toMatchObject({ ok: true })
  }
  await simulation.run(5000)
  expect(await rigs[0]!.run('create', '/after', 'x')).toMatchObject({ status: 0, err: '' })
  await simulation.run(1000)
  const counts = [1, 2, 3].map(async (id) => (await simulation.metrics(`10.0.0.${id}`)).get('znode_count'))
  // Sessions and times to live may have ended meanwhile; the servers still agree, and compare their digests.
  const [count, ...others] = await Promise.all(counts)
  expect(count).toBeGreaterThan(10)
  expect(others).toEqual([count, count])
  const restarted = simulation.events('log-restarted').map(({ zxid }) => zxid)
  expect(restarted.slice(0, 2)).toEqual(['0x700000024', '0x700000024'])
  expect(simulation.events('tree-digest-differs')).toEqual([])
})

test('a server does not start beside the mark of a restore that did not end', async () => {
  const rig = await machine(new ServerRig(), standalone)
  rig.disk.placeAtOnce('/data/restore-unfinished')
  const config = configOf(rig.files['/etc/zoo.cfg']!, null)
  const { server } = rig.simulation.server(config, rig.disk)
  const start = await rig.simulation.settle(server.start())
  expect(start).toMatchObject({
    ok: false,
    error: { kind: 'unfinished', message: expect.stringContaining('restore" again') },
  })
  expect(rig.disk.paths().filter((path) => path.startsWith('/data'))).toEqual(['/data/restore-unfinished'])
  const initialized = await rig.run('data', 'initialize', '/etc/zoo.cfg')
  expect(initialized).toMatchObject({
    status: 1,
    err: expect.stringContaining('/data/restore-unfinished contains data'),
  })
  expect(await restore(rig)).toMatchObject({ status: 0 })
  const next = rig.simulation.server(config, rig.disk).server
  expect(await rig.simulation.settle(next.start())).toMatchObject({ ok: true })
})

test('a server that waited for the lock of a restore, which was then killed, does not start', async () => {
  const rig = await machine(new ServerRig(), standalone)
  const lock = rig.disk.lock.bind(rig.disk)
  rig.disk.lock = (folder) => {
    rig.disk.placeAtOnce('/data/restore-unfinished')
    return lock(folder)
  }
  const { server } = rig.simulation.server(configOf(rig.files['/etc/zoo.cfg']!, null), rig.disk)
  const start = await rig.simulation.settle(server.start())
  expect(start).toMatchObject({ ok: false, error: { kind: 'unfinished' } })
  rig.disk.lock = lock
  expect(await restore(rig)).toMatchObject({ status: 0 }) // the refused server has given the lock back
})

test.each<[string, readonly string[], RegExp]>([
  ['two points', ['--to-zxid', '0x1', '--to-time', '2026-01-31T14:05:00Z'], /write one of --to-zxid and --to-time/],
  ['a zxid that is no number', ['--to-zxid', '12'], /--to-zxid 12 is not a zxid; write it as 0x/],
  ['a time without a zone', ['--to-time', '2026-01-31T14:05:00'], /not a time with a zone; write it as 2026-/],
  [
    'a month that does not exist',
    ['--to-time', '2026-13-31T14:05:00Z'],
    /day or a time that does not exist; write it as 2026-/,
  ],
  [
    'a day that does not exist',
    ['--to-time', '2026-02-30T00:00:00Z'],
    /day or a time that does not exist; write it as 2026-/,
  ],
  ['a leap day in another year', ['--to-time', '2027-02-29T12:00:00.5+01:00'], /day or a time that does not exist/],
  ['an hour that does not exist', ['--to-time', '2026-02-28T24:00Z'], /day or a time that does not exist/],
  ['a zone that does not exist', ['--to-time', '2026-02-28T20:00:00+25:00'], /day or a time that does not exist/],
  ['a fraction of a minute', ['--to-time', '2026-02-28T20:00.5Z'], /not a time with a zone/],
  ['a cluster id of 0', ['--cluster-id', '0x0'], /not a cluster id; write the one that the first restore printed/],
  ['an epoch that is no number', ['--epoch', 'last'], /--epoch last is not a whole number from 1 to/],
])('a restore with %s is a wrong command line', async (_what, options, said) => {
  const rig = await machine(new ServerRig(), standalone)
  expect(await restore(rig, ...options)).toMatchObject({ status: 2, out: '', err: expect.stringMatching(said) })
})

test('an epoch after which too few are left is refused', async () => {
  const rig = await machine(new ServerRig(), standalone)
  for (const epoch of ['1000001', '2097150', '9999999999']) {
    const refused = await restore(rig, '--epoch', epoch)
    expect(refused).toMatchObject({ status: 1, err: expect.stringContaining(`--epoch ${epoch} leaves too few epochs`) })
  }
  expect(await restore(rig, '--epoch', '1000000')).toMatchObject({ status: 0 })
})

test('a restore names what it needs, a configuration that is wrong, and a file that is missing', async () => {
  const rig = await machine(new ServerRig(), standalone)
  expect((await rig.run('restore')).err).toBe(
    'write --from FILE, the backup, and --config zoo.cfg, of the server to restore\n',
  )
  rig.files['/etc/wrong.cfg'] = 'clientPort=none\n'
  const wrong = await rig.run('restore', '--from', backupPath, '--config', '/etc/wrong.cfg')
  expect(wrong).toMatchObject({
    status: 2,
    err: expect.stringMatching(/^\/etc\/wrong\.cfg:1: clientPort=none: .*\n.*dataDir/),
  })
  const missing = await rig.run('restore', '--from', '/none', '--config', '/etc/zoo.cfg')
  expect(missing).toMatchObject({
    status: 1,
    err: expect.stringMatching(
      /^\/none cannot be restored: a file or folder of this path does not exist \(ENOENT.*Check the path/,
    ),
  })
  expect(rig.disk.paths()).toEqual([backupPath])
})
