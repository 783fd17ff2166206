/**
 * Plays one act, with one crash or without any, and judges: every server comes up again, and the ensemble ends with the
 * writes that were acknowledged and at most those in flight besides.
 */
import type { ServerId, Zxid } from '../../src/base/ids.ts'
import type { Act } from './acts.ts'
import { RunFailed, Stage } from './stage.ts'
import { type ClientState, SweepClient } from './sweep-client.ts'
import {
  type Crash,
  clientPort,
  type DiskCall,
  type Disks,
  emptyDisks,
  hostOf,
  ids,
  SweepEnsemble,
  textOf,
} from './sweep-ensemble.ts'
import { Writes } from './writes.ts'

/** What servers and client begin with: that of an act, or what a loss of power has left of one. */
export interface Scene {
  readonly number: number
  readonly disks: Disks
  readonly client: ClientState
  readonly wallOffsetMs: number
}

export interface PlayOptions {
  readonly crash?: Crash
  /** At each disk call: what all servers and the client have then. */
  readonly onCall?: (call: DiskCall, now: () => Scene) => void
  readonly trace?: ((line: string) => void) | null
  /** At the end all servers lose power once more, and unsynced data with it. */
  readonly losesPowerAtEnd?: boolean
}

export interface Played {
  readonly violations: readonly string[]
  readonly hasCrashed: boolean
  readonly crashedCall: string
  readonly counts: ReadonlyMap<string, number>
  readonly callCounts: ReadonlyMap<ServerId, number>
  readonly next: Scene
}

/** A client of an act sees the writes of all acts, so one list serves all runs. */
const writes = new Writes()

export function firstScene(): Scene {
  const client: ClientState = { session: null, lastZxidSeen: 0 as Zxid, writeCount: 0, sentCount: 0 }
  return { number: 0, disks: emptyDisks(), client, wallOffsetMs: 0 }
}

/** `act` null: the servers only start and agree. */
export async function playAct(
  act: Act | null,
  scene: Scene,
  { crash, onCall, trace = null, losesPowerAtEnd = false }: PlayOptions = {},
): Promise<Played> {
  const { disks, wallOffsetMs, number } = scene
  const now = (): Scene => ({
    number,
    disks: ensemble.disks,
    client: client.state,
    wallOffsetMs: wallOffsetMs + Math.ceil(ensemble.scheduler.nowUs / 1000),
  })
  const ensemble: SweepEnsemble = new SweepEnsemble({
    disks,
    wallOffsetMs,
    seed: number + 1,
    crash: crash ?? null,
    onCall: onCall === undefined ? null : (call) => onCall(call, now),
    trace,
  })
  const client = clientOf(ensemble, scene.client)
  const onRejection = (cause: unknown): void => ensemble.blame(`unhandled rejection: ${textOf(cause)}`)
  process.on('unhandledRejection', onRejection)
  try {
    const stage = new Stage(ensemble, client)
    client.start()
    await stage.startAll()
    await act?.play(stage)
    await stage.untilAllAgree()
    if (ensemble.isCrashDue) {
      await stage.untilNoCrashIsDue()
      await stage.untilAllAgree()
    }
    if (losesPowerAtEnd) {
      ensemble.powerOffAll('drop-all')
      await stage.untilAllAgree()
    }
  } catch (cause) {
    if (!(cause instanceof RunFailed)) ensemble.blame(textOf(cause))
  } finally {
    process.off('unhandledRejection', onRejection)
  }
  client.stop()
  ensemble.powerOffAll(act?.ends ?? 'drop-all')
  return {
    violations: ensemble.violations,
    hasCrashed: ensemble.hasCrashed,
    crashedCall: ensemble.crashedCall,
    counts: ensemble.counts,
    callCounts: new Map(ids.map((id) => [id, ensemble.callCountOf(id)])),
    next: { ...now(), number: number + 1 },
  }
}

function clientOf(ensemble: SweepEnsemble, state: ClientState): SweepClient {
  const { scheduler, process, network } = ensemble
  let requestCount = 0
  return new SweepClient({
    scheduler,
    process,
    writes,
    state,
    servers: ids.map((id) => ({ id, address: { host: hostOf(id), port: clientPort } })),
    blame: (text) => ensemble.blame(text),
    link: {
      dialer: network.dialer('10.1.0.1', process),
      nowUs: () => scheduler.nowUs,
      record: () => {},
      nextRequestId: () => requestCount++,
    },
  })
}
