/**
 * The faults of a chaos run: one, two or all servers are killed by SIGKILL or frozen by SIGSTOP, the leader more often than a
 * follower, and then return. Choices and times come from the seed; the progress of the servers does not. A seed therefore makes a
 * failure likely to repeat, but not certain.
 */
import type { Servers } from '../servers.ts'
import type { SeededRandom } from './random.ts'
import { pauseMs } from './workload.ts'

export interface FaultCounts {
  killed: number
  paused: number
  outages: number
}

/** Injects faults until `isOver`, then starts or resumes every server. */
export async function injectFaults(
  servers: Servers,
  random: SeededRandom,
  isOver: () => boolean,
): Promise<FaultCounts> {
  const counts: FaultCounts = { killed: 0, paused: 0, outages: 0 }
  const ids = servers.clientPorts.map((_, index) => index + 1)
  while (!isOver()) {
    await pauseMs(random.between(500, 3500))
    if (isOver()) break
    const victims = await chooseVictims(servers, random, ids)
    if (victims.length * 2 > ids.length) counts.outages += 1
    const restMs = random.between(200, 5000)
    if (random.below(3) === 0) {
      counts.paused += victims.length
      for (const id of victims) servers.pause(id)
      await pauseMs(restMs)
      for (const id of victims) servers.resume(id)
    } else {
      counts.killed += victims.length
      await Promise.all(victims.map((id) => servers.kill(id)))
      await pauseMs(restMs)
      for (const id of victims) await servers.start(id)
    }
  }
  for (const id of ids) {
    servers.resume(id)
    await servers.start(id)
  }
  return counts
}

async function chooseVictims(
  servers: Servers,
  random: SeededRandom,
  ids: readonly number[],
): Promise<readonly number[]> {
  const [kind, pick] = [random.below(10), ids[random.below(ids.length)]!]
  if (kind === 0) return ids
  if (kind === 1) return ids.filter((id) => id !== pick)
  if (kind < 6) return [(await servers.leader()) ?? pick]
  return [pick]
}
