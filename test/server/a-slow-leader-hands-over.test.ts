import { expect, test } from 'vitest'
import type { ServerId } from '../../src/base/ids.ts'
import { slowLeaderWindowFactor, slowMomentsMin } from '../../src/base/limits.ts'
import type { SimProcess } from '../simulator/scheduler.ts'
import type { SimDisk } from '../simulator/sim-disk.ts'
import { connectFrame } from '../support/conversation.ts'
import { createFrame, pingFrame } from '../support/requests.ts'
import { ensembleConfig, type RawClient, ServerRig } from '../support/server-rig.ts'

const writeIntervalMs = 100
const slowMs = ensembleConfig(1).handOverSlowLeaderMs
const slowLeaderRestMs = slowMs * slowLeaderWindowFactor

interface Member {
  readonly id: ServerId
  readonly host: string
  readonly process: SimProcess
  readonly disk: SimDisk
}

/** Three servers, and a client of a follower that writes every 100 ms. Its latencies are the times to the answers. */
class Course {
  readonly rig = new ServerRig()
  readonly members: Member[] = []
  readonly leaders: ServerId[] = []
  readonly #sentAtUs: number[] = []
  readonly latenciesMs: number[] = []
  #client: RawClient | null = null

  async start(settings: { readonly handOverSlowLeaderMs?: number } = {}): Promise<this> {
    for (const id of [1, 2, 3] as ServerId[]) {
      const [disk, host] = [this.rig.disk(id), `10.0.0.${id}`]
      const config = { ...ensembleConfig(id), ...settings }
      const { server, process } = this.rig.server(config, disk, host, (event) => {
        if (event.kind === 'established') this.leaders.push(id)
      })
      this.members.push({ id, host, process, disk })
      expect((await this.rig.settle(server.start())).ok).toBe(true)
    }
    await this.rig.run(2000)
    const follower = this.members.find(({ id }) => id !== this.leaders.at(-1))!
    this.#client = await this.rig.connect('10.0.1.1', follower.host)
    this.#client.send(connectFrame(false, 10_000))
    await this.rest()
    return this
  }

  /** The client only pings, until a leader that has just begun or has found no successor looks for one again. */
  async rest(): Promise<void> {
    for (let passedMs = 0; passedMs < slowLeaderRestMs; passedMs += 2000) {
      this.#client!.send(pingFrame())
      await this.rig.run(2000)
    }
  }

  /** The longest time to an answer, of all writes since the first `count` of them. All have been answered but the last. */
  worstLatencyMs(count = 0): number {
    expect(this.latenciesMs.length).toBeGreaterThan(count)
    expect(this.latenciesMs.length).toBeGreaterThanOrEqual(this.#sentAtUs.length - 1)
    return Math.max(...this.latenciesMs.slice(count))
  }

  leader(): Member {
    return this.members.find(({ id }) => id === this.leaders.at(-1))!
  }

  async run(durationMs: number): Promise<void> {
    for (let passedMs = 0; passedMs < durationMs; passedMs += writeIntervalMs) {
      const number = this.#sentAtUs.push(this.rig.scheduler.nowUs)
      this.#client!.send(createFrame(number, `/${number}`))
      await this.rig.run(writeIntervalMs)
      this.#noteAnswers()
    }
  }

  /** The loop of this server stands still several times, for a second and a half in two. */
  async freeze({ process }: Member, times: number, frozenMs = 1.5 * slowMs): Promise<void> {
    for (let i = 0; i < times; i++) {
      this.rig.scheduler.pause(process)
      await this.run(frozenMs)
      this.rig.scheduler.resume(process, 'timers-first')
      await this.run(slowMs)
    }
  }

  #noteAnswers(): void {
    const replies = this.#client!.replies().filter(({ xid }) => xid > 0)
    for (let i = this.latenciesMs.length; i < replies.length; i++) {
      expect(replies[i]!.error).toBe(0)
      this.latenciesMs.push((this.rig.scheduler.nowUs - this.#sentAtUs[i]!) / 1000)
    }
  }
}

test('a leader whose loop stands still again and again hands over, and its stalls no longer hold up writes', async () => {
  const course = await new Course().start()
  const slow = course.leader()
  await course.freeze(slow, slowMomentsMin + 1)
  expect(course.rig.events('leader-slow')).toEqual([
    {
      serverId: slow.id,
      momentCount: slowMomentsMin,
      longestMs: expect.any(Number),
      longestOf: 'event-loop',
      peerId: course.leader().id,
    },
  ])
  expect(course.rig.events('leader-slow')[0]!['longestMs']).toBeGreaterThanOrEqual(slowMs)
  expect(course.leader().id).not.toBe(slow.id)
  expect(course.leaders.length).toBe(2)
  const before = course.latenciesMs.length
  await course.freeze(slow, 4)
  expect(course.worstLatencyMs(before)).toBeLessThanOrEqual(writeIntervalMs)
  expect(course.leaders.length).toBe(2)
  expect((await course.rig.metrics(slow.host)).get('slow_leader_count')).toBe(1)
})

test('a leader whose disk hangs hands over within a few of its flushes, and no write waits for that disk', async () => {
  const course = await new Course().start()
  const slow = course.leader()
  slow.disk.faults.latencyMsMin = 4000
  slow.disk.faults.latencyMsMax = 5000
  await course.run((slowMomentsMin + 2) * slowMs)
  expect(course.leader().id).not.toBe(slow.id)
  // The last moment is that of the flush that is still late: one `slowMs` after another.
  const longestMs = slowMomentsMin * slowMs
  expect(course.rig.events('leader-slow')).toMatchObject([{ momentCount: slowMomentsMin, longestOf: 'log' }])
  expect(course.rig.events('leader-slow')[0]!['longestMs']).toBeGreaterThanOrEqual(longestMs)
  await course.run(10_000)
  expect(course.leaders.length).toBe(2)
  expect(course.worstLatencyMs()).toBeLessThanOrEqual(writeIntervalMs)
})

test('a leader stays if all disks hang, and if the loops of all servers stand still', async () => {
  const course = await new Course().start()
  for (const { disk } of course.members) [disk.faults.latencyMsMin, disk.faults.latencyMsMax] = [2000, 3000]
  await course.run(5_000)
  expect(course.rig.events('leader-slow')).toEqual([])
  for (const { disk } of course.members) [disk.faults.latencyMsMin, disk.faults.latencyMsMax] = [1, 1]
  await course.rest()
  const leader = course.leader()
  const others = course.members.filter((member) => member !== leader)
  for (let i = 0; i < 2 * slowMomentsMin; i++) {
    for (const each of [leader, ...others]) await course.freeze(each, 1)
  }
  expect(course.leaders.length).toBe(1)
  expect(course.rig.events('leader-slow').map(({ peerId }) => peerId)).toEqual([null])
})

test('a leader that stands still once, or with handOverSlowLeaderMs=0, stays the leader', async () => {
  const once = await new Course().start()
  await once.freeze(once.leader(), slowMomentsMin - 1)
  await once.rest()
  await once.freeze(once.leader(), slowMomentsMin - 1)
  expect(once.leaders.length).toBe(1)
  const off = await new Course().start({ handOverSlowLeaderMs: 0 })
  await off.freeze(off.leader(), 2 * slowMomentsMin)
  expect(off.leaders.length).toBe(1)
})
