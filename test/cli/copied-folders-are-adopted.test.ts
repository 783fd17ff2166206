/** What an operator does with folders that were copied by hand, and what the servers do with them then. */
import { describe, expect, test } from 'vitest'
import type { ZktsServer } from '../../src/server/create-server.ts'
import type { SimDisk } from '../simulator/sim-disk.ts'
import { connectFrame } from '../support/conversation.ts'
import { createFrame, existsFrame } from '../support/requests.ts'
import { configOf, ServerRig } from '../support/server-rig.ts'
import { CliRig, type Ran } from './cli-rig.ts'

const ensembleText = [
  'dataDir=/data',
  'tickTime=1000',
  'initLimit=10',
  'syncLimit=5',
  ...[1, 2, 3].map((id) => `server.${id}=10.0.0.${id}:2888:3888;10.0.0.${id}:2181`),
].join('\n')
const aloneText = 'dataDir=/data\nclientPort=2181\nclientPortAddress=10.0.0.1\ntickTime=1000\n'

class Ensemble {
  readonly rig = new ServerRig()
  readonly disks: SimDisk[] = [1, 2, 3].map((seed) => this.rig.disk(seed))
  readonly #running = new Map<number, ZktsServer>()

  /** Null: it started. */
  async start(id: number, text = ensembleText): Promise<string | null> {
    const { server } = this.rig.server(configOf(text, `${id}\n`), this.disks[id - 1]!, `10.0.0.${id}`)
    const outcome = await this.rig.settle(server.start())
    if (!outcome.ok) return outcome.error.message
    this.#running.set(id, server)
    await this.rig.run(3000)
    return null
  }

  async startAll(...ids: readonly number[]): Promise<void> {
    for (const id of ids) expect(await this.start(id)).toBeNull()
  }

  async stop(...ids: readonly number[]): Promise<void> {
    for (const id of ids) await this.rig.settle(this.#running.get(id)!.close())
  }

  /** A copy of the disk of a server, as a disk of its own. */
  copyOf(id: number): SimDisk {
    return this.rig.disk(10 + id).fillFrom(this.disks[id - 1]!)
  }

  async create(path: string, on: number): Promise<void> {
    const writer = await this.rig.connect('10.0.1.1', `10.0.0.${on}`)
    writer.send(connectFrame(), createFrame(1, path, 'kept'))
    await this.rig.run(1000)
    expect(writer.replies()[0]!.error).toBe(0)
  }

  /** Null: the server does not serve. */
  async has(path: string, on: number): Promise<boolean | null> {
    const reader = await this.rig.connect('10.0.1.1', `10.0.0.${on}`)
    reader.send(connectFrame(), existsFrame(1, path))
    await this.rig.run(1000)
    const reply = reader.replies()[0]
    return reply === undefined ? null : reply.error === 0
  }

  /** `line` is a command of zkts-cli; zoo.cfg has the text. */
  async adopt(id: number, text: string, line = 'data adopt --config zoo.cfg'): Promise<Ran> {
    const disk = this.disks[id - 1]!
    const myid = `${/dataDir=(.*)/.exec(text)![1]}/myid`
    disk.placeAtOnce(myid)
    const cli = new CliRig(this.rig, disk)
    Object.assign(cli.files, { 'zoo.cfg': text, [myid]: `${id}\n` })
    const ran = await cli.run(...line.split(' '))
    disk.removeAtOnce(myid)
    return ran
  }
}

/** /a is on all servers; the returned disk is the copy of server 3 from that moment. /b is on the servers 1 and 3 only. */
async function withOlderCopy(ensemble: Ensemble): Promise<SimDisk> {
  await ensemble.startAll(1, 2, 3)
  await ensemble.create('/a', 1)
  await ensemble.rig.run(2000)
  const copy = ensemble.copyOf(3)
  await ensemble.stop(2)
  await ensemble.rig.run(5000) // server 2 may have led
  await ensemble.create('/b', 1)
  await ensemble.stop(1, 3)
  return copy
}

describe('an older copy of the data of a member', () => {
  test('an older copy that was adopted elects no leader with a server that lags, and counts once it is in step', async () => {
    const ensemble = new Ensemble()
    const { rig } = ensemble
    ensemble.disks[2] = await withOlderCopy(ensemble)
    const refused = await ensemble.start(3)
    expect(refused).toMatch(
      /^dataDir: \/data and \/data\/wal are a copy of the data of server 3 of an ensemble of the servers 1, 2, 3\. /,
    )
    expect(refused).toContain('"zkts-cli data adopt --config FILE"')
    const { out, err, status } = await ensemble.adopt(3, ensembleText)
    expect({ err, status }).toEqual({ err: '', status: 0 })
    expect(out).toMatch(/^found the data of server 3 of cluster 0x[0-9a-f]+, epoch \d+, up to 0x1[0-9a-f]+ of \d{4}-/)
    expect(out).toContain(
      '/data is the data folder of server 3 now\nit does not vote until a leader that has a quorum without it',
    )
    await ensemble.startAll(2, 3)
    await rig.run(20_000)
    expect(rig.events('adopted-data-not-trusted')).toHaveLength(1)
    expect(await ensemble.has('/a', 2)).toBeNull() // the two could lead without /b
    await ensemble.startAll(1)
    await rig.run(10_000)
    for (const id of [1, 2, 3]) expect(await ensemble.has('/b', id)).toBe(true)
    expect(rig.events('adopted-data-in-step')).toHaveLength(1)
    // It votes from now on, also after a restart.
    await ensemble.stop(1, 3)
    await ensemble.startAll(3)
    await rig.run(10_000)
    for (const id of [2, 3]) expect(await ensemble.has('/b', id)).toBe(true)
    expect(rig.events('adopted-data-not-trusted')).toHaveLength(1)
    await ensemble.stop(2, 3)
  })

  test('an adopted copy still does not count when it restarts without its identity file', async () => {
    const ensemble = new Ensemble()
    ensemble.disks[2] = await withOlderCopy(ensemble)
    expect((await ensemble.adopt(3, ensembleText)).status).toBe(0)
    await ensemble.startAll(3)
    await ensemble.stop(3)
    ensemble.disks[2].removeAtOnce('/data/identity')
    await ensemble.startAll(2, 3)
    await ensemble.rig.run(10_000)
    expect(ensemble.rig.events('adopted-data-not-trusted')).toHaveLength(2)
    expect(await ensemble.has('/a', 2)).toBeNull()
    await ensemble.stop(2, 3)
  })

  test('a copy that is adopted with --moved votes at once', async () => {
    const ensemble = new Ensemble()
    await withOlderCopy(ensemble)
    ensemble.disks[2] = ensemble.copyOf(3)
    expect(await ensemble.start(3)).toContain('are a copy of the data of server 3')
    const { out, status } = await ensemble.adopt(3, ensembleText, 'data adopt --config zoo.cfg --moved')
    expect(status).toBe(0)
    expect(out).not.toContain('does not vote')
    await ensemble.startAll(2, 3)
    await ensemble.rig.run(5000)
    expect(await ensemble.has('/b', 2)).toBe(true)
    await ensemble.stop(2, 3)
  })
})

test('the copied folder of a running member becomes that of another member', async () => {
  const ensemble = new Ensemble()
  await ensemble.startAll(1, 2, 3)
  await ensemble.create('/a', 1)
  await ensemble.stop(3)
  ensemble.disks[2] = ensemble.copyOf(1)
  expect(await ensemble.start(3)).toContain(
    '/data is the data folder of server 1 of an ensemble of the servers 1, 2, 3',
  )
  const { out, status } = await ensemble.adopt(3, ensembleText, 'data adopt --config zoo.cfg --json')
  expect(status).toBe(0)
  expect(JSON.parse(out)).toMatchObject({ serverId: 3, writerId: 1, votes: false, dataDir: '/data' })
  await ensemble.create('/b', 1)
  await ensemble.startAll(3)
  await ensemble.rig.run(3000)
  for (const path of ['/a', '/b']) expect(await ensemble.has(path, 3)).toBe(true)
  await ensemble.stop(1, 2, 3)
})

describe('--moved', () => {
  test('the folder of another member is refused, since this number may have acknowledged what it lacks', async () => {
    const ensemble = new Ensemble()
    await ensemble.startAll(1, 2, 3)
    await ensemble.stop(1)
    await ensemble.rig.run(5000) // server 1 may have led
    await ensemble.create('/acknowledged', 2)
    await ensemble.stop(2)
    ensemble.disks[1] = ensemble.copyOf(1)
    const { err, status } = await ensemble.adopt(2, ensembleText, 'data adopt --config zoo.cfg --moved')
    expect(status).toBe(1)
    expect(err).toContain(
      'the data in /data is that of server 1, and this is server 2, another member of its ensemble (1, 2, 3). This number may ' +
        'have acknowledged writes that the data lacks. Leave --moved out: "zkts-cli data adopt --config FILE" lets',
    )
    ensemble.disks[1].removeAtOnce('/data/identity')
    const unknown = await ensemble.adopt(2, ensembleText, 'data adopt --config zoo.cfg --moved')
    expect(unknown.err).toContain('no identity file says whether 2 is a member of its ensemble')
    expect((await ensemble.adopt(2, ensembleText)).status).toBe(0)
    await ensemble.stop(3)
    await ensemble.startAll(1, 2)
    await ensemble.rig.run(20_000)
    expect(await ensemble.has('/acknowledged', 1)).toBeNull() // the two could lead without it
    await ensemble.startAll(3)
    await ensemble.rig.run(10_000)
    for (const id of [1, 2, 3]) expect(await ensemble.has('/acknowledged', id)).toBe(true)
    await ensemble.stop(1, 2, 3)
  })

  test('a number that no member has had is accepted', async () => {
    const ensemble = new Ensemble()
    await ensemble.startAll(1, 2, 3)
    await ensemble.create('/a', 1)
    await ensemble.stop(1, 2, 3)
    const text = ensembleText.replace('server.3=10.0.0.3', 'server.4=10.0.0.4').replace(';10.0.0.3:', ';10.0.0.4:')
    ensemble.disks[3] = ensemble.copyOf(3)
    const { out, status } = await ensemble.adopt(4, text, 'data adopt --config zoo.cfg --moved')
    expect(status).toBe(0)
    expect(out).toContain('it votes as soon as it starts')
    expect(await ensemble.start(1, text)).toBeNull()
    expect(await ensemble.start(4, text)).toBeNull()
    await ensemble.rig.run(5000)
    expect(await ensemble.has('/a', 4)).toBe(true)
    await ensemble.stop(1, 4)
  })

  test('a copy of a server that ran is refused each time, and accepted without it', async () => {
    const ensemble = new Ensemble()
    await ensemble.startAll(1, 2, 3)
    await ensemble.create('/a', 1)
    const disk = ensemble.disks[2]!
    for (const folder of ['wal', 'checkpoint']) disk.copyFolder(`/data/${folder}`, `/copy/${folder}`)
    disk.copyFolder('/data', '/copy')
    await ensemble.stop(3)
    const text = ensembleText.replace('dataDir=/data', 'dataDir=/copy')
    const adopt = (flags: string): Promise<Ran> => ensemble.adopt(3, text, `data adopt --config zoo.cfg${flags}`)
    for (let attempt = 1; attempt <= 2; attempt++) {
      const { err, status } = await adopt(' --moved')
      expect(status).toBe(1)
      expect(err).toMatch(/^the copy in \/copy was made while its server ran, or after it was killed: it may lack/)
      expect(err).toContain('Leave --moved out')
    }
    expect((await adopt('')).status).toBe(0)
    expect(disk.paths()).not.toContain('/copy/copied-while-in-use')
    expect(await ensemble.start(3, text)).toBeNull()
    await ensemble.rig.run(5000)
    expect(await ensemble.has('/a', 3)).toBe(true)
    await ensemble.stop(1, 2, 3)
  })
})

test('a member alone is refused, and begins a new ensemble with --new-cluster', async () => {
  const ensemble = new Ensemble()
  await withOlderCopy(ensemble)
  expect(await ensemble.start(1, aloneText)).toContain('this configuration names no other server')
  const undecided = await ensemble.adopt(1, aloneText)
  expect(undecided.status).toBe(2)
  expect(undecided.err).toContain('Add --moved if the server was stopped before')
  const { out, status } = await ensemble.adopt(1, aloneText, 'data adopt --config zoo.cfg --new-cluster --epoch 100')
  expect(status).toBe(0)
  expect(out).toContain('the servers of the old ensemble do not work together with it')
  expect(await ensemble.start(1, aloneText)).toBeNull()
  for (const path of ['/a', '/b']) expect(await ensemble.has(path, 1)).toBe(true)
  await ensemble.create('/c', 1)
  expect(await ensemble.rig.ask('srvr', '10.0.0.1')).toMatch(/Zxid: 0x65000000/)
  await ensemble.stop(1)
})

test('two members of an ensemble adopt their data into one new ensemble', async () => {
  const ensemble = new Ensemble()
  await withOlderCopy(ensemble)
  const alike = 'data adopt --config zoo.cfg --new-cluster --cluster-id 0x1d4c2f00a1b2c3'
  const { out } = await ensemble.adopt(1, ensembleText, alike)
  expect(out).toContain('  zkts-cli data adopt --config zoo.cfg --new-cluster --cluster-id 0x1d4c2f00a1b2c3\n')
  expect((await ensemble.adopt(2, ensembleText, alike)).status).toBe(0)
  const again = await ensemble.adopt(2, ensembleText, alike)
  expect(again.err).toContain('the data is of cluster 0x1d4c2f00a1b2c3 already')
  await ensemble.startAll(1, 2)
  await ensemble.rig.run(5000)
  for (const id of [1, 2]) expect(await ensemble.has('/b', id)).toBe(true)
  await ensemble.startAll(3) // of the old cluster
  await ensemble.rig.run(5000)
  expect(await ensemble.has('/b', 3)).toBeNull()
  expect(
    ensemble.rig.lines.some(({ event }) => event === 'data-of-another-cluster' || event === 'peer-link-closed'),
  ).toBe(true)
  await ensemble.stop(1, 2, 3)
})

test('a server that only servers of another cluster call is sent to their lines, and not to its addresses', async () => {
  const ensemble = new Ensemble()
  await withOlderCopy(ensemble)
  const alike = 'data adopt --config zoo.cfg --new-cluster --cluster-id 0x1d4c2f00a1b2c3'
  for (const id of [2, 3]) expect((await ensemble.adopt(id, ensembleText, alike)).status).toBe(0)
  await ensemble.startAll(1, 2, 3)
  await ensemble.rig.run(70_000)
  const notices = ensemble.rig.events('no-peer-calls').filter(({ serverId }) => serverId === 1)
  expect(notices[0]?.['why']).toContain('has the data of another cluster')
  await ensemble.stop(1, 2, 3)
})

test.each([
  ['--moved --new-cluster', 'exclude each other'],
  ['--epoch 5', 'belong to --new-cluster'],
  ['--new-cluster --epoch 0', 'is not a whole number from 1 to'],
  ['--new-cluster --epoch 2097150', 'is not a whole number from 1 to 1000000; each new leader needs a further epoch'],
  ['--new-cluster --cluster-id 17', 'is not a cluster id'],
])('the options %s are refused', async (flags, text) => {
  const ran = await new Ensemble().adopt(1, ensembleText, `data adopt --config zoo.cfg ${flags}`)
  expect(ran.status).toBe(2)
  expect(ran.err).toContain(text)
})

test('an interrupted restore is named first, before the options that are missing', async () => {
  const ensemble = new Ensemble()
  ensemble.disks[0]!.placeAtOnce('/data/restore-unfinished')
  const ran = await ensemble.adopt(1, aloneText)
  expect(ran).toMatchObject({ status: 1, err: expect.stringContaining('Run the same "zkts-cli restore" again') })
})

test('folders without data, and folders that a server uses, are refused', async () => {
  const ensemble = new Ensemble()
  const none = await ensemble.adopt(1, ensembleText)
  expect(none).toMatchObject({
    status: 1,
    err: expect.stringContaining('there is no data in /data and no log in /data/wal'),
  })
  await ensemble.startAll(1, 2, 3)
  const used = await ensemble.adopt(1, ensembleText)
  expect(used).toMatchObject({ status: 1, err: expect.stringMatching(/^a server runs in this folder; stop it first/) })
  await ensemble.stop(1, 2, 3)
})
