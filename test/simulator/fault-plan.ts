/**
 * The faults of one seed: which kinds, how often, how long, on how large an ensemble. Each kind is off in about half of the
 * seeds (a "swarm"): if all faults were always on, they would hide the bugs that need one of them alone.
 */

import type { Manners } from './sim-client.ts'
import type { CrashMode } from './sim-disk.ts'
import type { SimRandom } from './sim-random.ts'
import type { WorkloadProfile } from './workload.ts'

export const faultKinds = [
  'kill',
  'power-off',
  'power-off-all',
  'graceful-stop',
  'pause',
  'partition',
  'one-way-cut',
  'reset',
  'black-hole',
  'slow-disk',
  'full-disk',
  'flush-failure',
  'clock-jump',
] as const
/**
 * wipe-disk: empty disks replace those of a minority. adopt-disk: copies of disks do, each of any server and of an earlier
 * moment, and are adopted. With either db.autocreate is false. hand-over: an operator asks any server that another one leads.
 * flapping: the links of one server fail and work again in quick succession, one way or both. slow-leader: the leader stands
 * still again and again for less than peerTimeoutMs, or its disk is slow. They are drawn on their own.
 */
export type FaultKind =
  | (typeof faultKinds)[number]
  | 'wipe-disk'
  | 'adopt-disk'
  | 'hand-over'
  | 'flapping'
  | 'slow-leader'

export interface NetworkPlan {
  readonly latencyUsBase: number
  readonly latencyUsJitterMean: number
  readonly spikeChance: number
  readonly spikeMsMean: number
  readonly splitChance: number
  readonly coalesceChance: number
  readonly corruptChance: number // between servers only: clients have no checksum
  readonly refuseChance: number
  readonly ignoreChance: number
  readonly lingerChance: number
  readonly resetChance: number
  readonly windowSizeBytes: number
}

/** A server makes checkpoints often, removes the front of its log, and sends copies of its state in small pieces. */
export interface CheckpointPlan {
  readonly snapCount: number
  readonly segmentSizeKib: number
  readonly chunkSizeBytesMax: number
  readonly stepSizeBytesMax: number // of what is folded into one batch of the store
  readonly copyKibPerSecond: number // a slow copy is cut by the faults
  readonly retainedTxnCountMax: number // in memory, so that a learner that lags needs the log or a copy
}

/** All three exist in ensembles only. */
export interface SessionModes {
  readonly local: boolean
  readonly upgrading: boolean // of local sessions
  readonly readOnly: boolean
}

export interface FaultPlan {
  readonly serverCount: number
  readonly clientCount: number
  readonly granularityUs: number
  readonly chaosMs: number
  readonly tickTimeMs: number
  readonly linearizableReads: boolean
  /** `compatibility=strict`: a refused write is a txn too. */
  readonly isStrict: boolean
  readonly enforceQuota: boolean
  readonly sessionModes: SessionModes
  /** Null: the defaults, with which a run makes no checkpoint before a server closes. */
  readonly checkpoints: CheckpointPlan | null
  /** Crashes and link faults strike learners and leaders in the middle of copies of the state. */
  readonly aimsAtCopies: boolean
  /** An operator takes backups. */
  readonly takesBackups: boolean
  /** `handOverSlowLeaderMs`, short enough that pauses and slow disks make leaders hand over; null: the default, with which none does. */
  readonly slowLeaderMs: number | null
  /** Whether a server without data votes; false in seeds that wipe or replace disks. */
  readonly dbAutocreate: boolean
  /** Mean time between faults of a kind; a kind that is off has no entry. */
  readonly meanMsByKind: ReadonlyMap<FaultKind, number>
  readonly downMsMax: number
  readonly crashMode: CrashMode
  readonly clockRateSpread: number // servers' clocks run at 1 ± this
  readonly network: NetworkPlan
  readonly diskLatencyMsMax: number
  readonly manners: Manners
  readonly profile: WorkloadProfile
  readonly thinkTimeMsMean: number
  /** Servers that stay dead when the others are healed; always a minority. */
  readonly casualtyCount: number
}

/** Features that were added later draw from streams of their own, so that seeds without them run as they did before. */
export interface LaterDraws {
  readonly quotas: SimRandom
  readonly sessions: SimRandom
  readonly wipes: SimRandom
  readonly compatibility: SimRandom
  readonly checkpoints: SimRandom
  readonly copies: SimRandom
  readonly adoptions: SimRandom
  readonly backups: SimRandom
  readonly handOvers: SimRandom
  readonly flapping: SimRandom
  readonly slowLeaders: SimRandom
}

export function drawFaultPlan(random: SimRandom, later: LaterDraws, chaosMs: number): FaultPlan {
  const { quotas, sessions, wipes, compatibility } = later
  const checkpoints = drawCheckpoints(later.checkpoints)
  const serverCount = random.pick([1, 3, 3, 3, 3, 3, 5, 5])
  const isQuiet = random.chance(0.08)
  // A server without data needs a copy if the log of its leader has lost its front, so both come together more often.
  const wipeMeanMs =
    serverCount > 1 && wipes.chance(checkpoints === null ? 0.3 : 0.85) ? wipes.pick([2500, 6000, 15_000]) : null
  const adoptions = later.adoptions
  const adoptMeanMs = serverCount > 1 && adoptions.chance(0.25) ? adoptions.pick([2500, 6000, 15_000]) : null
  const handOverMeanMs = serverCount > 1 && later.handOvers.chance(0.5) ? later.handOvers.pick([800, 2500, 6000]) : null
  const slowLeaderMs = serverCount > 1 && later.slowLeaders.chance(0.4) ? later.slowLeaders.pick([20, 60]) : null
  const isStrict = compatibility.chance(0.2)
  const flapMeanMs = serverCount > 1 && later.flapping.chance(0.3) ? later.flapping.pick([2500, 6000, 15_000]) : null
  const casualtyCount = random.chance(0.25) ? random.between(0, Math.floor((serverCount - 1) / 2)) : 0
  return {
    serverCount,
    clientCount: random.between(2, 7),
    granularityUs: random.pick([1, 100, 1000, 4000]),
    chaosMs,
    tickTimeMs: random.pick([200, 500, 1000]),
    linearizableReads: random.chance(0.15),
    enforceQuota: quotas.chance(0.5),
    meanMsByKind: withLaterKinds(isQuiet ? new Map() : drawKinds(random, serverCount), {
      'wipe-disk': wipeMeanMs,
      'adopt-disk': adoptMeanMs,
      'hand-over': handOverMeanMs,
      flapping: flapMeanMs,
      'slow-leader': slowLeaderMs === null ? null : later.slowLeaders.pick([2500, 6000]),
    }),
    dbAutocreate: wipeMeanMs === null && adoptMeanMs === null,
    downMsMax: random.pick([500, 3000, 10_000]),
    crashMode: random.pick(['random', 'random', 'torn', 'drop-all', 'keep-all'] as const),
    clockRateSpread: random.pick([0, 0.001, 0.01, 0.1]),
    network: drawNetwork(random, isQuiet),
    diskLatencyMsMax: random.pick([0.2, 2, 15]),
    manners: drawManners(random),
    profile: drawProfile(random, quotas),
    thinkTimeMsMean: random.pick([50, 100, 200, 400]),
    casualtyCount,
    sessionModes: withoutRefusedOwners(drawSessionModes(sessions, serverCount), isStrict),
    isStrict,
    checkpoints,
    takesBackups: later.backups.chance(0.5),
    slowLeaderMs,
    aimsAtCopies: checkpoints !== null && later.copies.chance(0.8),
  }
}

function drawCheckpoints(random: SimRandom): CheckpointPlan | null {
  if (!random.chance(0.5)) return null
  return {
    snapCount: random.pick([5, 10, 30]),
    segmentSizeKib: random.pick([4, 4, 16]),
    chunkSizeBytesMax: random.pick([256, 1024, 8192]),
    stepSizeBytesMax: random.pick([1000, 20_000]),
    copyKibPerSecond: random.pick([8, 32, 65_536]),
    retainedTxnCountMax: random.pick([5, 20, 20_000]),
  }
}

function withLaterKinds(
  kinds: ReadonlyMap<FaultKind, number>,
  later: Readonly<Partial<Record<FaultKind, number | null>>>,
): ReadonlyMap<FaultKind, number> {
  const all = new Map(kinds)
  for (const [kind, meanMs] of Object.entries(later)) if (meanMs !== null) all.set(kind as FaultKind, meanMs)
  return all
}

function drawSessionModes(random: SimRandom, serverCount: number): SessionModes {
  const local = random.chance(0.35) && serverCount > 1
  return { local, upgrading: local && random.chance(0.75), readOnly: random.chance(0.35) && serverCount > 1 }
}

/** The error of a strict server for an ephemeral of a local session depends on which server leads, which the model does not know. */
function withoutRefusedOwners(modes: SessionModes, isStrict: boolean): SessionModes {
  return isStrict ? { ...modes, upgrading: modes.local } : modes
}

function drawKinds(random: SimRandom, serverCount: number): ReadonlyMap<FaultKind, number> {
  const kinds = new Map<FaultKind, number>()
  const shareOn = random.pick([0.2, 0.5, 0.5, 0.8])
  for (const kind of faultKinds) {
    const meanMs = random.pick([2500, 6000, 15_000])
    const isRare = kind === 'power-off-all' || kind === 'flush-failure'
    if (serverCount === 1 && (kind === 'partition' || kind === 'one-way-cut')) continue
    if (random.chance(shareOn)) kinds.set(kind, isRare ? meanMs * 2 : meanMs)
  }
  return kinds
}

function drawNetwork(random: SimRandom, isQuiet: boolean): NetworkPlan {
  const sometimes = (values: readonly number[]): number => (isQuiet ? 0 : random.pick(values))
  return {
    latencyUsBase: random.between(50, 1000),
    latencyUsJitterMean: random.pick([10, 500, 5000, 20_000]),
    spikeChance: sometimes([0, 0, 0.002, 0.02]),
    spikeMsMean: random.pick([50, 300]),
    splitChance: random.pick([0, 0.02, 0.3]),
    coalesceChance: random.pick([0, 0.5, 1]),
    corruptChance: sometimes([0, 0, 0.0005, 0.005]),
    refuseChance: sometimes([0, 0, 0.05]),
    ignoreChance: sometimes([0, 0, 0.05]),
    lingerChance: sometimes([0, 0.1, 0.5]),
    resetChance: random.pick([0, 0.5, 1]),
    windowSizeBytes: random.pick([8, 64, 256]) * 1024,
  }
}

function drawManners(random: SimRandom): Manners {
  const sometimes = (chance: number): number => (random.chance(0.5) ? chance : 0)
  return {
    closeChance: sometimes(0.01),
    abandonChance: sometimes(0.01),
    silenceChance: sometimes(0.01),
    bounceChance: sometimes(0.02),
    secondConnectionChance: sometimes(0.02),
  }
}

function drawProfile(random: SimRandom, quotaRandom: SimRandom): WorkloadProfile {
  return {
    writeShare: random.pick([0.2, 0.5, 0.8]),
    multiShare: random.pick([0, 0.1, 0.4]),
    syncShare: random.pick([0.05, 0.3]),
    watchShare: random.pick([0, 0.3, 0.8]),
    ephemeralShare: random.pick([0, 0.3, 0.7]),
    sequentialShare: random.pick([0, 0.2, 0.5]),
    guardedShare: random.pick([0, 0.1, 0.4]),
    largeDataShare: random.pick([0, 0, 0.02]),
    nodeCount: random.pick([2, 5, 12]),
    quotaShare: quotaRandom.pick([0, 0, 0.05, 0.2]),
  }
}

export function describePlan(plan: FaultPlan): string {
  const kinds = [...plan.meanMsByKind].map(([kind, meanMs]) => `${kind}/${meanMs}ms`).join(' ')
  const { local, upgrading, readOnly } = plan.sessionModes
  const modes = `${local ? `, local sessions${upgrading ? ', upgrading' : ''}` : ''}${readOnly ? ', read-only mode' : ''}`
  const aimed = plan.aimsAtCopies ? ', copies are cut' : ''
  const often = plan.checkpoints === null ? '' : `, a checkpoint after ${plan.checkpoints.snapCount} txns${aimed}`
  const backups = plan.takesBackups ? ', backups' : ''
  const slow = plan.slowLeaderMs === null ? '' : `, leaders slow for ${plan.slowLeaderMs} ms hand over`
  return `${plan.serverCount} servers, ${plan.clientCount} clients, tick ${plan.tickTimeMs} ms${modes}${often}${backups}${slow}, faults: ${kinds || 'none'}`
}
