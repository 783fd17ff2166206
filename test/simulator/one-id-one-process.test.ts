/**
 * A second process with the id of a member, in the simulator's network and clock: a real server on a host and disk of
 * its own, and the same server lines except for its own address. It must not disturb the three members, and both sides
 * must log what is wrong (design D15).
 */
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load-config.ts'
import type { Log, LogFields } from '../../src/ports/log.ts'
import { createServer } from '../../src/server/create-server.ts'
import { Scheduler, SimProcess } from './scheduler.ts'
import { simCheckpoints } from './sim-checkpoints.ts'
import { SimClock, simTimers } from './sim-clock.ts'
import { SimDisk } from './sim-disk.ts'
import { faultless, SimNetwork } from './sim-network.ts'
import { SimRandom } from './sim-random.ts'

/** What one process has logged: `event reason`. */
type Lines = string[]

class Machines {
  readonly #scheduler = new Scheduler(1, (process, cause) => {
    throw new Error(`${process.name} threw`, { cause })
  })
  readonly #random = new SimRandom(7)
  readonly #networkProcess = new SimProcess('network')
  readonly #network = new SimNetwork({
    scheduler: this.#scheduler,
    random: this.#random.fork('network'),
    networkProcess: this.#networkProcess,
    windowSizeBytes: 65_536,
    conditions: { ...faultless, latencyUs: () => 500 },
  })
  readonly #processes = new Map<string, SimProcess>()

  constructor() {
    this.#keepDraining()
  }

  start(id: number, host: string): Lines {
    const scheduler = this.#scheduler
    const process = new SimProcess(host)
    this.#processes.set(host, process)
    const hosts = [1, 2, 3].map((member) => (member === id ? host : hostOf(member)))
    const servers = hosts.map((each, i) => `server.${i + 1}=${each}:2888:3888`)
    const text = ['dataDir=/data', 'clientPort=2181', 'initLimit=10', 'syncLimit=5', ...servers].join('\n')
    const loaded = loadConfig({ text, dynamicText: null, myidText: String(id) })
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.error))
    const lines: Lines = []
    const schedule = (delayMs: number, callback: () => void): void => {
      scheduler.noteAsync()
      scheduler.schedule(process, 'disk', Math.ceil(delayMs * 1000), () => {
        scheduler.noteAsync()
        callback()
      })
    }
    const disk = new SimDisk({ random: this.#random.fork(`disk ${host}`), schedule })
    const server = createServer({
      config: loaded.value.config,
      version: '0.0.0-simulated',
      ports: {
        clock: new SimClock(scheduler, { rate: 1, monotonicStartMs: 0, wallOffsetMs: 0 }),
        timers: simTimers(scheduler, process, 1),
        random: this.#random.fork(host),
        disk,
        openCheckpoints: simCheckpoints(disk),
        listener: this.#network.listener(host, process),
        dialer: this.#network.dialer(host, process),
        digest: {
          offers: () => true,
          hash: (_algorithm, bytes) => Uint8Array.from(createHash('sha1').update(bytes).digest()),
        },
        log: logInto(lines),
      },
    })
    scheduler.noteAsync()
    void server.start()
    return lines
  }

  kill(host: string): void {
    const process = this.#processes.get(host)!
    this.#scheduler.kill(process)
    this.#network.crash(host, process, 'kill')
  }

  run(ms: number): Promise<void> {
    return this.#scheduler.runUntil(this.#scheduler.nowUs + ms * 1000, () => false)
  }

  #keepDraining(): void {
    this.#scheduler.noteAsync()
    this.#scheduler.schedule(this.#networkProcess, 'other', 100_000, () => this.#keepDraining())
  }
}

function hostOf(id: number): string {
  return `10.0.0.${id}`
}

function logInto(lines: Lines): Log {
  const line = (event: string, fields?: LogFields): void => {
    lines.push(fields?.['reason'] === undefined ? event : `${event} ${String(fields['reason'])}`)
  }
  return { error: line, warn: line, info: line, debug() {}, child: () => logInto(lines) }
}

const electionsOf = (lines: Lines): number => lines.filter((line) => line.startsWith('became-looking')).length
const hostOfSecond = '10.0.0.9'

describe('a second process with the id of a living member', () => {
  test.each([1, 2, 3])('of id %i deposes no leader in a minute, and both sides log why it is refused', async (id) => {
    const machines = new Machines()
    const members = [1, 2, 3].map((member) => machines.start(member, hostOf(member)))
    await machines.run(3_000)
    expect(members.flat().filter((line) => line.startsWith('serving-as'))).toHaveLength(3)
    const second = machines.start(id, hostOfSecond)
    await machines.run(61_500)
    expect(members.map(electionsOf)).toEqual([0, 0, 0])
    expect(second.filter((line) => line.startsWith('serving-as'))).toEqual([])
    // A server dials the lower ids only. Server 1 therefore dials no peer, and can only log that no peer calls it.
    const refusals = second.filter((line) => line === 'peer-link-closed own-id-in-use')
    const notices = members.flat().filter((line) => line === 'peer-link-closed id-in-use')
    expect([refusals.length > 0, notices.length > 0]).toEqual([id > 1, id > 1])
    expect(second.includes('no-peer-calls')).toBe(id < 3)
    // Tens of attempts, at most two warnings a minute for each lower peer.
    expect(refusals.length).toBeLessThanOrEqual(2 * (id - 1))
  })

  test('may join when the first has ended, and then the first is refused when it starts again', async () => {
    const machines = new Machines()
    const members = [1, 2, 3].map((member) => machines.start(member, hostOf(member)))
    await machines.run(3_000)
    const second = machines.start(3, hostOfSecond)
    await machines.run(2_000)
    machines.kill(hostOf(3))
    await machines.run(15_000)
    expect(second.filter((line) => line.startsWith('serving-as'))).toHaveLength(1)
    const before = [...members.slice(0, 2), second].map(electionsOf)
    const first = machines.start(3, hostOf(3))
    await machines.run(5_000)
    expect(first).toContain('peer-link-closed own-id-in-use')
    expect([...members.slice(0, 2), second].map(electionsOf)).toEqual(before)
  })
})
