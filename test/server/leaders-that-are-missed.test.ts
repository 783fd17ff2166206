import { describe, expect, test } from 'vitest'
import type { ServerId } from '../../src/base/ids.ts'
import { noLeaderGraceMs, noLeaderReminderMsMin } from '../../src/base/limits.ts'
import type { LogFields } from '../../src/ports/log.ts'
import { ensembleConfig, ServerRig } from '../support/server-rig.ts'

const { peerTimeoutMs } = ensembleConfig(1)
const electionMs = 1_000

class Course {
  readonly rig = new ServerRig()
  readonly #servers = new Map<number, ReturnType<ServerRig['server']>>()

  async start(...ids: readonly number[]): Promise<this> {
    for (const id of ids) {
      const server = this.rig.server(ensembleConfig(id), this.rig.disk(id), hostOf(id))
      this.#servers.set(id, server)
      expect((await this.rig.settle(server.server.start())).ok).toBe(true)
    }
    await this.rig.run(electionMs)
    return this
  }

  crash(id: number): void {
    const { process } = this.#servers.get(id)!
    this.rig.network.crash(hostOf(id), process, 'kill')
    this.rig.scheduler.kill(process)
  }

  pause(id: number): void {
    this.rig.scheduler.pause(this.#servers.get(id)!.process)
  }

  handOver(id: number, to: number): Promise<unknown> {
    return this.rig.settle(this.#servers.get(id)!.server.handOver(to))
  }

  /** The server that leads, as the last line that says so. */
  leader(): number {
    return Number(this.rig.events('serving-as-leader').at(-1)!['serverId'])
  }

  others(): readonly number[] {
    return [1, 2, 3].filter((id) => id !== this.leader())
  }

  linesOf(event: string, id: number): readonly LogFields[] {
    return this.rig.events(event).filter(({ serverId }) => serverId === id)
  }
}

function hostOf(id: number): string {
  return `10.0.0.${id}`
}

describe('an ensemble without a quorum', () => {
  test('says so once the search takes longer than a leader change, and again at growing intervals', async () => {
    const course = await new Course().start(1)
    await course.rig.run(peerTimeoutMs + noLeaderGraceMs - electionMs - 100)
    expect(course.rig.events('no-leader')).toEqual([])
    await course.rig.run(200)
    expect(course.rig.events('no-leader')).toMatchObject([
      {
        serverId: 1,
        cause: 'this server has started',
        formerLeaderId: null,
        connectedIds: [],
        notConnectedIds: [2, 3],
        advice: expect.stringContaining('No quorum of voters is connected'),
      },
    ])
    expect(course.rig.events('no-leader')[0]!['durationMs']).toBeGreaterThanOrEqual(peerTimeoutMs + noLeaderGraceMs)
    await course.rig.run(3 * noLeaderReminderMsMin)
    expect(course.rig.events('no-leader')).toHaveLength(3)
  })

  test('says when it is over', async () => {
    const course = await new Course().start(1, 2, 3)
    const [leader, [first, second]] = [course.leader(), course.others()]
    course.crash(leader)
    await course.rig.run(electionMs)
    const successor = course.leader()
    const left = successor === first ? second! : first!
    course.crash(successor)
    await course.rig.run(peerTimeoutMs + noLeaderGraceMs + electionMs)
    expect(course.linesOf('no-leader', left)).toMatchObject([
      {
        cause: 'the link to the leader closed',
        formerLeaderId: successor,
        notConnectedIds: [leader, successor].sort(),
      },
    ])
    expect(course.rig.events('no-leader-ended')).toEqual([])
    await course.start(leader)
    const ended = course.linesOf('no-leader-ended', left)
    expect(ended).toMatchObject([{ leaderId: course.leader() }])
    expect(ended[0]!['durationMs']).toBeGreaterThan(peerTimeoutMs + noLeaderGraceMs)
    await course.rig.run(noLeaderReminderMsMin)
    expect(course.linesOf('no-leader', left)).toHaveLength(1)
  })
})

describe('the lines of a new leader and of its followers', () => {
  test('say that the server has started', async () => {
    const course = await new Course().start(1, 2, 3)
    const start = { cause: 'this server has started', formerLeaderId: null }
    const lines = [...course.rig.events('serving-as-leader'), ...course.rig.events('serving-as-follower')]
    expect(lines).toMatchObject([start, start, start])
    expect(course.rig.events('no-leader')).toEqual([])
  })

  test.each([
    ['that the link closed', 'crash', 'the link to the leader closed'],
    ['that the leader was silent', 'pause', 'the leader was silent for peerTimeoutMs'],
  ] as const)('say %s, which server led, and how long it took', async (_what, fault, cause) => {
    const course = await new Course().start(1, 2, 3)
    const former = course.leader()
    course[fault](former)
    await course.rig.run(peerTimeoutMs + electionMs)
    const successor = course.leader()
    const [follower] = course.others().filter((id) => id !== former)
    expect(successor).not.toBe(former)
    for (const line of [
      course.linesOf('serving-as-leader', successor).at(-1)!,
      course.linesOf('serving-as-follower', follower!).at(-1)!,
    ]) {
      expect(line).toMatchObject({ cause, formerLeaderId: former })
      expect(line['withoutLeaderMs']).toBeGreaterThan(0)
      expect(line['withoutLeaderMs']).toBeLessThan(electionMs)
    }
    expect(course.rig.events('no-leader')).toEqual([])
  })

  test('say who has handed over', async () => {
    const course = await new Course().start(1, 2, 3)
    const former = course.leader()
    const successor = course.others()[0]! as ServerId
    await course.handOver(former, successor)
    await course.rig.run(electionMs)
    const cause = `server ${former} has handed over to server ${successor}`
    expect(course.linesOf('serving-as-leader', successor).at(-1)).toMatchObject({ cause, formerLeaderId: former })
    expect(course.linesOf('serving-as-follower', former).at(-1)).toMatchObject({ cause, formerLeaderId: former })
  })
})
