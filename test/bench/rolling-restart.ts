/**
 * One run of the fault `restart` of `npm run failover`: under writes, each server in turn gets SIGTERM, is started again,
 * and the next one follows when it serves. Also a run without any fault, which shows that no leader changes under load.
 */
import type { Ensemble } from './ensemble.ts'
import type { FaultOutcome } from './failover-outcome.ts'
import { pause } from './failover-probes.ts'
import { RepeatingWriters, type WritersReport } from './repeating-writers.ts'
import { fourLetterWord } from './server-process.ts'

export const writerCount = 51
const warmUpMs = 1_000
/** Between two servers, and after the last one. */
const settleMs = 500

export function measureRestart(ensemble: Ensemble): Promise<FaultOutcome> {
  return underWrites(ensemble, async () => {
    for (let index = 0; index < ensemble.servers.length; index++) {
      await ensemble.restart(index)
      await pause(settleMs)
    }
  })
}

export function measureCalm(ensemble: Ensemble, durationMs: number): Promise<FaultOutcome> {
  return underWrites(ensemble, () => pause(durationMs))
}

async function underWrites(ensemble: Ensemble, during: () => Promise<void>): Promise<FaultOutcome> {
  const writers = await RepeatingWriters.start(ensemble.clientPorts, writerCount)
  try {
    await pause(warmUpMs)
    writers.measureFromNow()
    const epochBefore = await newestEpoch(ensemble)
    const fromMs = performance.now()
    await during()
    const durationMs = performance.now() - fromMs
    const epochs = (await newestEpoch(ensemble)) - epochBefore
    return outcomeOf(ensemble.version, await writers.finish(), durationMs, epochs)
  } finally {
    writers.abandon()
  }
}

function outcomeOf(version: string, report: WritersReport, durationMs: number, epochs: number): FaultOutcome {
  const { gapMs, silenceMs, closedCount, failedCount, twiceCount, expiredCount } = report
  return {
    version,
    noticed: { gapMs, closedCount, failedCount, twiceCount, lostCount: expiredCount + report.lostCount },
    times: { duration: durationMs, 'longest gap of one client': gapMs, 'longest time without a write': silenceMs },
    counts: {
      clients: writerCount,
      writes: report.writeCount,
      'leader changes': epochs,
      'connections closed': closedCount,
      'requests repeated': report.repeatedCount,
      'requests failed': failedCount,
      'done without an answer': twiceCount,
      'sessions expired': expiredCount,
      'writes lost': report.lostCount,
    },
  }
}

/** The epoch of the newest zxid that a server has. */
async function newestEpoch(ensemble: Ensemble): Promise<number> {
  const answers = await Promise.all(ensemble.clientPorts.map((port) => fourLetterWord(port, 'srvr')))
  const zxids = answers.map((answer) => Number(/^Zxid: (0x[0-9a-f]+)/m.exec(answer)?.[1] ?? 0))
  return Math.floor(Math.max(...zxids) / 2 ** 32)
}
