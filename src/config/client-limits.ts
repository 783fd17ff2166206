/**
 * What one server bears from its clients: sizes, rates, waiting times. All but the frame size are off unless set.
 * Each is the matter of one server alone; members of an ensemble may differ.
 */
export interface ClientLimits {
  /** Header included, inclusive. */
  readonly frameSizeBytesMax: number
  /** Null: requests are not told apart by their size. */
  readonly largeRequests: LargeRequestLimits | null
  readonly requestThrottle: RequestThrottleLimits
  /** Null: sessions may be asked for at any rate. */
  readonly connectionThrottle: ConnectionThrottleLimits | null
}

export interface LargeRequestLimits {
  readonly thresholdSizeBytes: number // a request above it is large
  readonly inFlightSizeBytesMax: number // of all large requests together
}

export interface RequestThrottleLimits {
  readonly inFlightCountMax: number // 0 = no limit
  readonly waitMsMax: number // a request that waited longer is refused; 0 = none is
  readonly dropsStale: boolean
  /** A request is stale once its client has left. */
  readonly checksConnection: boolean
  /** A request is stale once it has waited for longer than its session's timeout. */
  readonly checksLatency: boolean
}

/** A bucket of tokens, and a chance to be dropped that follows its emptiness (ZK: BlueThrottle). */
export interface ConnectionThrottleLimits {
  readonly tokenCountMax: number
  readonly fillTimeMs: number
  readonly fillTokenCount: number
  readonly freezeTimeMs: number // -1 = nobody is dropped by chance
  readonly dropIncrease: number // may be above 1
  readonly dropDecrease: number
  readonly decreaseRatio: number
  /** Tokens that a connect request takes. */
  readonly newSessionTokens: number
  readonly localSessionTokens: number
  readonly returningSessionTokens: number
}
