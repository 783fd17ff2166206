/**
 * Reads what one server bears from its clients. The names and defaults are ZooKeeper's, where all of these are system
 * properties. Owns: their ranges, and what follows from one for another.
 */
import { clientFrameSizeBytesCeiling, clientFrameSizeBytesMax } from '../base/limits.ts'
import type { ClientLimits, ConnectionThrottleLimits, LargeRequestLimits } from './client-limits.ts'
import type { Settings } from './settings.ts'

const countMax = 2 ** 31 - 1
const smallestFrameSizeBytesMax = 1024 // a connect request, and a write of a few hundred bytes

export function readClientLimits(settings: Settings): ClientLimits {
  const frameSizeBytesMax =
    settings.integer('jute.maxbuffer', smallestFrameSizeBytesMax, clientFrameSizeBytesCeiling) ??
    clientFrameSizeBytesMax
  return Object.freeze({
    frameSizeBytesMax,
    largeRequests: readLargeRequests(settings),
    requestThrottle: {
      inFlightCountMax: settings.integer('request_throttle_max_requests', 0, countMax) ?? 0,
      waitMsMax: settings.integer('throttled_op_wait_time', 0, countMax) ?? 0,
      dropsStale: settings.flag('request_throttle_drop_stale', true),
      checksConnection: settings.flag('request_stale_connection_check', true),
      checksLatency: settings.flag('request_stale_latency_check', false),
    },
    connectionThrottle: readConnectionThrottle(settings),
  })
}

function readLargeRequests(settings: Settings): LargeRequestLimits | null {
  const thresholdSizeBytes = settings.integer('largeRequestThreshold', -1, countMax) ?? -1
  const inFlightSizeBytesMax = settings.integer('largeRequestMaxBytes', 1, countMax) ?? 100 * 1024 * 1024
  if (thresholdSizeBytes === 0) {
    settings.refuse('largeRequestThreshold', 'every request would be large', 'write bytes, or -1 for off')
  }
  return thresholdSizeBytes <= 0 ? null : { thresholdSizeBytes, inFlightSizeBytesMax }
}

/** ZK: BlueThrottle's static initialiser; with weights, tokens and fill count are counted in new sessions. */
function readConnectionThrottle(settings: Settings): ConnectionThrottleLimits | null {
  const key = (name: string): string => `connection_throttle_${name}`
  const weighs = settings.flag(key('weight_enabled'), false)
  const localWeight = settings.integer(key('local_session_weight'), 1, countMax) ?? 1
  // A session of the whole ensemble never costs less than one of this server alone.
  const globalWeight = Math.max(localWeight, settings.integer(key('global_session_weight'), 1, countMax) ?? 3)
  const renewWeight = Math.max(localWeight, settings.integer(key('renew_session_weight'), 1, countMax) ?? 2)
  const tokens = settings.integer(key('tokens'), 0, countMax) ?? 0
  const fillCount = settings.integer(key('fill_count'), 1, countMax) ?? 1
  const unit = weighs ? globalWeight : 1
  const limits: ConnectionThrottleLimits = {
    tokenCountMax: tokens * unit,
    fillTimeMs: settings.integer(key('fill_time'), 1, countMax) ?? 1,
    fillTokenCount: fillCount * unit,
    freezeTimeMs: settings.integer(key('freeze_time'), -1, countMax) ?? -1,
    dropIncrease: settings.decimal(key('drop_increase'), 0, 1) ?? 0.02,
    dropDecrease: settings.decimal(key('drop_decrease'), 0, 1) ?? 0.002,
    decreaseRatio: settings.decimal(key('decrease_ratio'), 0, 1) ?? 0,
    newSessionTokens: unit,
    localSessionTokens: weighs ? localWeight : 1,
    returningSessionTokens: weighs ? renewWeight : 1,
  }
  if (tokens > 0 && limits.returningSessionTokens > limits.tokenCountMax) {
    settings.refuse(
      key('renew_session_weight'),
      `a session that comes back costs ${renewWeight}, and there are ${limits.tokenCountMax} tokens at most, so none could`,
      'lower it, or raise connection_throttle_tokens',
    )
  }
  return tokens === 0 ? null : limits
}

/** ZK: LeaderZooKeeperServer.getGlobalOutstandingLimit: the followers of a full ensemble share the limit. */
export function outstandingShareOf(limitCount: number, voterCount: number): number {
  return voterCount > 2 ? Math.max(1, Math.floor(limitCount / (voterCount - 1))) : limitCount
}
