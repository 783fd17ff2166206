/** `backup` on the command line, with a server: new files, continuations, checks, and what is refused. */
import { expect, test } from 'vitest'
import { configOf, ServerRig } from '../support/server-rig.ts'
import { CliRig } from './cli-rig.ts'

const configText = 'dataDir=/data\nclientPort=2181\nclientPortAddress=10.0.0.1\ntickTime=1000\n'

/** A server whose files are on the disk of the shell, as for an operator on its machine. */
async function startedRig(): Promise<CliRig> {
  const simulation = new ServerRig()
  const rig = new CliRig(simulation)
  rig.files['/etc/zoo.cfg'] = configText
  await simulation.started(configOf(configText, null), rig.disk)
  rig.files['/data/local-key'] = new TextDecoder().decode(rig.disk.contents('/data/local-key'))
  expect((await rig.run('create', '/a', '1')).status).toBe(0)
  return rig
}

const own = ['backup', '--config', '/etc/zoo.cfg'] as const

test('a backup gets the name that is asked for, and says what it has', async () => {
  const rig = await startedRig()
  // The address comes from the configuration, too.
  const made = await rig.runWithoutServer(...own, '--to', '/backups/')
  expect(made).toMatchObject({ status: 0, err: '' })
  expect(made.out).toMatch(
    /^wrote (\/backups\/zkts-[0-9a-f]+-00000001[0-9a-f]{8}\.backup): \d+ bytes\ncluster 0x\w+, from server 1 at \S+Z, epoch 1\ncheckpoint at 0x1\w+: \d+ znodes, \d sessions?\n/,
  )
  const named = await rig.run('--json', ...own, '--to', '/backups/x')
  expect(JSON.parse(named.out)).toMatchObject({ path: '/backups/x', serverId: 1, partCount: 1, cutSizeBytes: 0 })
  const again = await rig.run(...own, '--to', '/backups/x')
  expect(again).toMatchObject({ status: 1, out: '', err: expect.stringMatching(/^\/backups\/x exists: .*--force/) })
  expect((await rig.run(...own, '--to', '/backups/x', '--force')).status).toBe(0)
})

test('a continued backup has the writes since, and is restored to each end', async () => {
  const rig = await startedRig()
  const first = JSON.parse((await rig.run('--json', ...own, '--to', '/backup')).out)
  await rig.run('create', '/b', '2')
  const continued = await rig.run(...own, '--append', '/backup')
  expect(continued).toMatchObject({ status: 0, err: '', out: expect.stringMatching(/^continued \/backup: /) })
  const whole = rig.disk.contents('/backup')
  const checked = JSON.parse((await rig.run('--json', 'backup', '--check', '/backup')).out)
  expect(checked).toMatchObject({ partCount: 2, sizeBytes: whole.length })
  const counts: number[] = []
  for (const point of [[], ['--to-zxid', first.zxid]]) {
    const other = new CliRig(new ServerRig())
    other.files['/etc/zoo.cfg'] = configText
    const file = await other.simulation.settle(other.disk.open('/backup', 'create-new'))
    await other.simulation.settle(file.writeDurably(0, [whole]))
    const options = ['--from', '/backup', '--config', '/etc/zoo.cfg', ...point]
    const restored = await other.run('--json', 'restore', ...options)
    counts.push(JSON.parse(restored.out).znodeCount)
  }
  expect(counts[0]).toBe(counts[1]! + 1)
})

test('a check of a damaged file says what is whole, where it is damaged, and ends with status 1', async () => {
  const rig = await startedRig()
  const first = JSON.parse((await rig.run('--json', ...own, '--to', '/backup')).out)
  await rig.run(...own, '--append', '/backup')
  rig.disk.flipBit('/backup', (first.sizeBytes + 3) * 8)
  const checked = await rig.run('backup', '--check', '/backup')
  expect(checked.status).toBe(1)
  expect(checked.out).toMatch(new RegExp(`^/backup is whole up to ${first.zxid}: `))
  expect(checked.err).toMatch(new RegExp(`^/backup: offset ${first.sizeBytes}: .*--append; .*--to-zxid ${first.zxid}`))
  rig.disk.flipBit('/backup', 8 * 40)
  expect(await rig.run('backup', '--check', '/backup')).toMatchObject({
    status: 1,
    out: '',
    err: expect.stringMatching(/^\/backup: offset 16: /),
  })
})

test('a backup is refused without the local key, and by a server that has another one', async () => {
  const rig = await startedRig()
  const without = await rig.run('backup', '--to', '/backup')
  expect(without).toMatchObject({ status: 1, err: expect.stringContaining('no-auth') })
  expect(without.err).toContain(
    'run it on the machine of the server with --config zoo.cfg, or with --auth digest:super:PASSWORD',
  )
  rig.files['/other/local-key'] = '0'.repeat(64)
  const wrong = await rig.run('backup', '--data-dir', '/other', '--to', '/backup')
  expect(wrong).toMatchObject({ status: 1, err: expect.stringContaining('is not the key of the server that runs') })
  const unreadable = await rig.run('backup', '--data-dir', '/none', '--to', '/backup')
  expect(unreadable).toMatchObject({ status: 2, err: 'cannot read /none/local-key: no such file\n' })
  expect(rig.disk.paths().filter((path) => path.startsWith('/backup'))).toEqual([])
  expect((await rig.run('backup', '--data-dir', '/data', '--to', '/backup')).status).toBe(0)
})

test('the file of another cluster is not continued', async () => {
  const rig = await startedRig()
  await rig.run(...own, '--to', '/backup')
  const other = await startedRig()
  const file = await other.simulation.settle(other.disk.open('/backup', 'create-new'))
  await other.simulation.settle(file.writeDurably(0, [rig.disk.contents('/backup')]))
  // The two have equal zxids, and the txns of another time.
  await other.run('create', '/c', '3')
  const refused = await other.run(...own, '--append', '/backup')
  expect(refused).toMatchObject({ status: 1, out: '' })
  expect(other.disk.contents('/backup')).toEqual(rig.disk.contents('/backup'))
})

test.each<[string, readonly string[], RegExp]>([
  ['no file', [], /write one of --to/],
  ['two files', ['--to', '/a', '--check', '/b'], /write one of --to/],
  ['--force without --to', ['--append', '/a', '--force'], /--force belongs to --to/],
  ['--check of a server', ['--check', '/a', '--config', '/etc/zoo.cfg'], /contacts no server/],
  [
    'a configuration and a data folder',
    ['--to', '/a', '--config', '/c', '--data-dir', '/d'],
    /write only one of --config/,
  ],
])('a backup with %s is a wrong command line', async (_what, options, said) => {
  const rig = await CliRig.started()
  expect(await rig.run('backup', ...options)).toMatchObject({ status: 2, err: expect.stringMatching(said) })
})
