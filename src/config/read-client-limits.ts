/**
 * Reads the limits of one server for its clients. The names and defaults are ZooKeeper's, where all of these are system
 * properties. Owns: their ranges, and the relations between them.
 */
import { clientFrameSizeBytesCeiling, clientFrameSizeBytesMax } from '../base/limits.ts'
import type { ClientLimits, ConnectionThrottleLimits, LargeRequestLimits } from './client-limits.ts'
import type { Settings } from './settings.ts'

const countMax = 2 ** 31 - 1
const largeRequestMaxBytesDefault = 100 * 1024 * 1024
const countMin = -(2 ** 31)
const smallestFrameSizeBytesMax = 45 // a connect request; below it no client gets in

export function readClientLimits(settings: Settings): ClientLimits {
  const frameSizeBytesMax =
    settings.integer('jute.maxbuffer', smallestFrameSizeBytesMax, clientFrameSizeBytesCeiling) ??
    clientFrameSizeBytesMax
  return Object.freeze({
    frameSizeBytesMax,
    largeRequests: readLargeRequests(settings),
    requestThrottle: {
      // Below 0 they are off (ZK: RequestThrottler, ZooKeeperServer.isThrottled).
      inFlightCountMax: Math.max(0, settings.integer('request_throttle_max_requests', countMin, countMax) ?? 0),
      waitMsMax: Math.max(0, settings.integer('throttled_op_wait_time', countMin, countMax) ?? 0),
      dropsStale: settings.flag('request_throttle_drop_stale', true),
      checksConnection: settings.flag('request_stale_connection_check', true),
      checksLatency: settings.flag('request_stale_latency_check', false),
    },
    connectionThrottle: readConnectionThrottle(settings),
  })
}

/** Values out of range are treated as not set (ZK: ZooKeeperServer.setLargeRequestThreshold, setLargeRequestMaxBytes). */
function readLargeRequests(settings: Settings): LargeRequestLimits | null {
  const threshold = settings.integer('largeRequestThreshold', countMin, countMax) ?? -1
  const inFlight = settings.integer('largeRequestMaxBytes', countMin, countMax) ?? largeRequestMaxBytesDefault
  if (threshold === 0 || threshold < -1) {
    settings.warn('largeRequestThreshold', 'no request is large', 'write bytes above 0, or -1 for off')
  }
  if (inFlight <= 0) {
    const wrong = `not above 0, so the default of ${largeRequestMaxBytesDefault} bytes counts`
    settings.warn('largeRequestMaxBytes', wrong, 'write bytes above 0, or remove the line')
  }
  if (threshold <= 0) return null
  return { thresholdSizeBytes: threshold, inFlightSizeBytesMax: inFlight > 0 ? inFlight : largeRequestMaxBytesDefault }
}

/** ZK: BlueThrottle's static initialiser; with weights, tokens and fill count are counted in new sessions. */
function readConnectionThrottle(settings: Settings): ConnectionThrottleLimits | null {
  const key = (name: string): string => `connection_throttle_${name}`
  const weighs = settings.flag(key('weight_enabled'), false)
  const localWeight = readWeight(settings, key('local_session_weight'), 1)
  // A session of the whole ensemble never costs less than one of this server alone.
  const globalWeight = Math.max(localWeight, readWeight(settings, key('global_session_weight'), 3))
  const renewWeight = Math.max(localWeight, readWeight(settings, key('renew_session_weight'), 2))
  const tokens = settings.integer(key('tokens'), 0, countMax) ?? 0
  const fillCount = settings.integer(key('fill_count'), 1, countMax) ?? 1
  const unit = weighs ? globalWeight : 1
  const limits: ConnectionThrottleLimits = {
    tokenCountMax: tokens * unit,
    fillTimeMs: settings.integer(key('fill_time'), 1, countMax) ?? 1,
    fillTokenCount: fillCount * unit,
    freezeTimeMs: settings.integer(key('freeze_time'), -1, countMax) ?? -1,
    // A chance is at most 1, so larger steps are cut.
    dropIncrease: settings.decimal(key('drop_increase'), 0, Number.MAX_VALUE) ?? 0.02,
    dropDecrease: settings.decimal(key('drop_decrease'), 0, Number.MAX_VALUE) ?? 0.002,
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

/** A number that is not above 0 is treated as not set. */
function readWeight(settings: Settings, key: string, otherwise: number): number {
  const weight = settings.integer(key, countMin, countMax) ?? otherwise
  if (weight > 0) return weight
  settings.warn(key, `not above 0, so ${otherwise} counts`, 'write a number above 0, or remove the line')
  return otherwise
}

/** ZK: LeaderZooKeeperServer.getGlobalOutstandingLimit: the followers of a full ensemble share the limit. */
export function outstandingShareOf(limitCount: number, voterCount: number): number {
  return voterCount > 2 ? Math.max(1, Math.floor(limitCount / (voterCount - 1))) : limitCount
}
