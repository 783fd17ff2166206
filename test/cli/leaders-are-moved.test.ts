/** `zkts-cli lead`, and the commands of docs/operations/restarts.md, against three servers. */
import { describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { SimProcess } from '../simulator/scheduler.ts'
import { configOf, ServerRig, standaloneConfig } from '../support/server-rig.ts'
import { CliRig, type Ran } from './cli-rig.ts'

const hosts = ['10.0.0.1', '10.0.0.2', '10.0.0.3']
const commands = {
  modes: 'srvr -s zk1:2181,zk2:2181,zk3:2181',
  lead: 'lead 3 -s zk1:2181,zk2:2181,zk3:2181',
}

interface Ensemble {
  readonly rig: ServerRig
  readonly cli: CliRig
  run(command: string): Promise<Ran>
}

/** `clientPart`: of each server line. */
function configAt(id: number, whitelist: string, clientPart: (host: string) => string): Config {
  const members = hosts.map((host, i) => `server.${i + 1}=${host}:2888:3888${clientPart(host)}`)
  const own = clientPart('') === '' ? ['clientPort=2181', `clientPortAddress=${hosts[id - 1]}`] : []
  const lines = ['dataDir=/data', 'tickTime=1000', 'initLimit=10', 'syncLimit=5', ...own, ...members]
  return configOf([...lines, `4lw.commands.whitelist=${whitelist}`].join('\n'), `${id}\n`)
}

async function startEnsemble(
  whitelist = 'conf, srvr, rqld, ydld',
  clientPart = (host: string): string => `;${host}:2181`,
): Promise<Ensemble> {
  const rig = new ServerRig()
  const servers = hosts.map(
    (host, i) => rig.server(configAt(i + 1, whitelist, clientPart), rig.disk(i + 1), host).server,
  )
  const starts = servers.map((server) => server.start())
  for (const start of starts) expect(await rig.settle(start)).toEqual({ ok: true, value: undefined })
  await rig.run(1_500)
  const cli = new CliRig(rig)
  const run = (command: string): Promise<Ran> =>
    cli.runWithoutServer(...command.replaceAll(/zk(\d)/g, '10.0.0.$1').split(' '))
  return { rig, cli, run }
}

/** A server of ZooKeeper could answer this. */
async function answerConf(rig: ServerRig, host: string, text: string): Promise<void> {
  const listener = rig.network.listener(host, new SimProcess(host))
  const listening = listener.listen({ host, port: 2181 }, (stream) => {
    const answer = (): void => {
      stream.write(new TextEncoder().encode(text))
      stream.end()
    }
    stream.handle({ onData: answer, onDrain: () => {}, onClose: () => {} })
  })
  await rig.settle(listening)
}

async function modes({ run }: Ensemble): Promise<readonly string[]> {
  const { out } = await run(commands.modes)
  return [...out.matchAll(/Mode: (\w+)/g)].map(([, mode]) => mode!)
}

describe('zkts-cli lead', () => {
  test('makes the server lead, and says how long it took', async () => {
    const ensemble = await startEnsemble()
    const before = await modes(ensemble)
    const next = before.indexOf('follower') + 1
    const { out, err, status } = await ensemble.run(commands.lead.replace('3', String(next)))
    expect([err, status]).toEqual(['', 0])
    expect(out).toMatch(new RegExp(`^server ${next} leads, after \\d+ ms\n$`))
    expect((await modes(ensemble)).indexOf('leader') + 1).toBe(next)
    expect(ensemble.rig.events('became-looking')).toHaveLength(0)
    const again = await ensemble.run(`--json lead ${next} -s zk1:2181`)
    expect(JSON.parse(again.out)).toEqual({ leader: next, durationMs: null })
    expect((await ensemble.run(`lead ${next} -s zk1:2181`)).out).toBe(`server ${next} leads already\n`)
  })

  test('finds the server by the configuration, or by the connect string if that has no client addresses', async () => {
    for (const clientPart of [(host: string) => (host === '' ? ';' : ';2181'), () => '']) {
      const ensemble = await startEnsemble('*', clientPart)
      const { run } = ensemble
      for (const id of [1, 2]) {
        const servers = clientPart('') === '' ? 'zk1:2181,zk2:2181' : 'zk3:2181'
        expect(await run(`lead ${id} -s ${servers}`)).toMatchObject({ err: '', status: 0 })
        expect((await modes(ensemble)).indexOf('leader') + 1).toBe(id)
      }
      if (clientPart('') === '') {
        const { err, status } = await run('lead 3 -s zk1:2181')
        expect([err, status]).toEqual([
          'the configuration does not say where clients reach server 3; add it to -s\n',
          2,
        ])
      }
    }
  })

  test('says why it is not possible', async () => {
    const ensemble = await startEnsemble()
    const { run, rig } = ensemble
    const failureOf = async (command: string): Promise<readonly [string, number]> => {
      const { out, err, status } = await run(command)
      expect(out).toBe('')
      return [err, status]
    }
    expect(await failureOf('lead 7 -s zk1:2181')).toEqual([
      'there is no server 7; the servers of this ensemble are 1, 2, 3\n',
      2,
    ])
    expect(await failureOf('lead one -s zk1:2181')).toEqual(['"one" is not the id of a server; write a number\n', 2])
    await answerConf(rig, '10.0.0.8', 'serverId=1\nmembership: \nserver.4=zk4:2888:3888:observer;zk4:2181\nversion=0')
    expect(await failureOf('lead 4 -s 10.0.0.8:2181')).toEqual(['server 4 has no vote, so it cannot lead\n', 1])
    expect((await failureOf('lead 1 -s 10.0.0.9:2181'))[1]).toBe(3)
    // A server that is cut off from the others has no leader.
    for (const host of hosts.slice(1)) {
      rig.network.crash(host, rig.processes.get(host)!, 'kill')
      rig.scheduler.kill(rig.processes.get(host)!)
    }
    await rig.run(3_000)
    expect(await failureOf('lead 1 -s zk1:2181')).toEqual([
      '10.0.0.1:2181: This ZooKeeper instance is not currently serving requests. It has no leader that could hand over; look for ' +
        'no-leader in its log, or name other servers with -s\n',
      1,
    ])
    expect((await failureOf('lead 2 -s zk2:2181'))[1]).toBe(3)
  })

  test('says what to do about a server that is absent or paused, and that nothing has changed', async () => {
    const ensemble = await startEnsemble()
    const { rig, run } = ensemble
    const leader = (await modes(ensemble)).indexOf('leader') + 1
    const [paused, absent] = [1, 2, 3].filter((id) => id !== leader) as [number, number]
    rig.scheduler.pause(rig.processes.get(hosts[paused - 1]!)!)
    const late = await run(`lead ${paused} --timeout 1000 -s zk${leader}:2181`)
    expect([late.out, late.status]).toEqual(['', 3])
    expect(late.err).toBe(
      `server ${paused} at 10.0.0.${paused}:2181 does not answer, so nothing has changed: its process is paused, or its machine is ` +
        'overloaded. Resume or restart it, wait until the answer to srvr has "Mode: follower", and try again; or let another server ' +
        `lead (10.0.0.${paused}:2181 did not answer srvr within 1000 ms)\n`,
    )
    rig.scheduler.resume(rig.processes.get(hosts[paused - 1]!)!, 'timers-first')
    await rig.run(3_000)
    rig.network.crash(hosts[absent - 1]!, rig.processes.get(hosts[absent - 1]!)!, 'kill')
    rig.scheduler.kill(rig.processes.get(hosts[absent - 1]!)!)
    const gone = await run(`lead ${absent} -s zk${leader}:2181`)
    expect([gone.out, gone.status]).toEqual(['', 3])
    expect(gone.err).toBe(
      `server ${absent} at 10.0.0.${absent}:2181 cannot be reached, so nothing has changed. Start it, wait until the answer to srvr has ` +
        `"Mode: follower", and try again (cannot connect to 10.0.0.${absent}:2181: connection refused (ECONNREFUSED); no server ` +
        'listens on this port)\n',
    )
    expect((await modes(ensemble))[0]).toBeDefined()
    expect(rig.events('hand-over-began')).toEqual([])
  })

  test('says that a server whose address only -s has may be one that does not answer', async () => {
    const ensemble = await startEnsemble('*', () => '')
    const { rig, run } = ensemble
    const leader = (await modes(ensemble)).indexOf('leader') + 1
    const [paused] = [1, 2, 3].filter((id) => id !== leader) as [number]
    rig.scheduler.pause(rig.processes.get(hosts[paused - 1]!)!)
    const { err, status } = await run(`lead ${paused} --timeout 1000 -s zk1:2181,zk2:2181,zk3:2181`)
    expect(status).toBe(3)
    expect(err).toBe(
      `the configuration does not say where clients reach server ${paused}. It may be one of these servers of -s, which did not say their ids; ` +
        `nothing has changed. Start or resume it:\n  10.0.0.${paused}:2181 did not answer conf within 1000 ms\n`,
    )
  })

  test('waits for a hand-over to another server, and asks again', async () => {
    const ensemble = await startEnsemble()
    const { rig, run } = ensemble
    const leader = (await modes(ensemble)).indexOf('leader') + 1
    const [busy, wanted] = [1, 2, 3].filter((id) => id !== leader) as [number, number]
    // The leader hands over to a server that is paused, so that takes its longest time.
    rig.scheduler.pause(rig.processes.get(hosts[busy - 1]!)!)
    void rig.servers.get(hosts[leader - 1]!)!.handOver(busy)
    await rig.run(10)
    const { out, err, status } = await run(`lead ${wanted} -s zk${leader}:2181,zk${wanted}:2181`)
    expect([err, status]).toEqual(['', 0])
    expect(out).toMatch(new RegExp(`^server ${wanted} leads, after \\d+ ms\n$`))
    const problems = new Set(rig.events('hand-over-refused').map(({ problem }) => problem))
    expect([...problems]).toEqual([`a hand-over to server ${busy} is under way`])
    expect(rig.events('hand-over-began').map(({ peerId }) => peerId)).toEqual([busy, wanted])
  })

  test('names the leader that does not hand over in time', async () => {
    const ensemble = await startEnsemble()
    const { rig, run } = ensemble
    const leader = (await modes(ensemble)).indexOf('leader') + 1
    const [busy, wanted] = [1, 2, 3].filter((id) => id !== leader) as [number, number]
    rig.scheduler.pause(rig.processes.get(hosts[busy - 1]!)!)
    void rig.servers.get(hosts[leader - 1]!)!.handOver(busy)
    await rig.run(10)
    const { err, status } = await run(`lead ${wanted} --timeout 500 -s zk${leader}:2181,zk${wanted}:2181`)
    expect(status).toBe(1)
    expect(err).toContain(
      `server ${wanted} does not lead after 500 ms: server ${leader} at 10.0.0.${leader}:2181 leads.`,
    )
    expect(err).toContain('hand-over-refused, if it hands over to another server')
  })

  test('names each server of the connect string that does not answer', async () => {
    const { run } = await startEnsemble()
    const { err, status } = await run('lead 1 -s 10.0.0.8:2181,10.0.0.9:2181')
    expect(status).toBe(3)
    expect(err.trimEnd().split('\n')).toEqual([
      'cannot connect to 10.0.0.8:2181: connection refused (ECONNREFUSED); no server listens on this port',
      'cannot connect to 10.0.0.9:2181: connection refused (ECONNREFUSED); no server listens on this port',
    ])
  })

  test('says which setting allows it', async () => {
    const { run } = await startEnsemble('conf, srvr')
    const outcomes = [await run('lead 1 -s zk1:2181'), await run('lead 2 -s zk2:2181')]
    const refused = outcomes.find(({ status }) => status === 1)!
    expect(refused.err).toContain("Write 4lw.commands.whitelist=* in the server's zoo.cfg")
  })

  test('of a standalone server has nothing to do', async () => {
    const rig = new ServerRig()
    await rig.started(standaloneConfig(['4lw.commands.whitelist=*']))
    const cli = new CliRig(rig)
    const { err, status } = await cli.run('lead', '1')
    expect([err, status]).toEqual(['10.0.0.1:2181: a standalone server always leads\n', 1])
    const word = await cli.run('rqld')
    expect([word.err, word.status]).toEqual([
      '10.0.0.1:2181: Failed to send leadership request to leader.\nserver 1 leads already\n',
      1,
    ])
  })
})

describe('the words of ClickHouse Keeper', () => {
  test('rqld at a follower makes it lead, and ydld at any server makes another lead', async () => {
    const ensemble = await startEnsemble()
    const { rig, run } = ensemble
    const leaderOf = async (): Promise<number> => (await modes(ensemble)).indexOf('leader') + 1
    const first = await leaderOf()
    const follower = first === 1 ? 2 : 1
    expect(await rig.ask('rqld', hosts[follower - 1])).toBe('Sent leadership request to leader.')
    await rig.run(200)
    expect(await leaderOf()).toBe(follower)
    expect(await rig.ask('rqld', hosts[follower - 1])).toBe(
      `Failed to send leadership request to leader.\nserver ${follower} leads already`,
    )
    expect(await rig.ask('ydld', hosts[follower - 1])).toBe('Sent yield leadership request to leader.')
    await rig.run(200)
    const second = await leaderOf()
    expect(second).not.toBe(follower)
    const other = second === 1 ? 2 : 1
    const { out } = await run(`--json ydld -s zk${other}:2181`)
    expect(JSON.parse(out)).toMatchObject({ word: 'ydld', text: 'Sent yield leadership request to leader.' })
    await rig.run(200)
    expect(await leaderOf()).not.toBe(second)
  })

  test('they say that there is no leader', async () => {
    const rig = new ServerRig()
    const { server } = rig.server(configAt(1, '*', (host) => `;${host}:2181`))
    await rig.settle(server.start())
    await rig.run(300)
    expect(await rig.ask('rqld')).toBe('Failed to send leadership request to leader.\nthis server has no leader')
    expect(await rig.ask('ydld')).toBe('Failed to send yield leadership request to leader.\nthis server has no leader')
    expect(await rig.settle(server.handOver(2))).toEqual({ ok: false, error: 'this server has no leader' })
  })
})
