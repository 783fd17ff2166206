/**
 * The limits of one server for its clients: sizes, rates, waiting times. All but the frame size are off unless set.
 * They concern one server only; members of an ensemble may differ.
 */
export interface ClientLimits {
  /** Header included, inclusive. */
  readonly frameSizeBytesMax: number
  /** Null: requests of all sizes are treated alike. */
  readonly largeRequests: LargeRequestLimits | null
  readonly requestThrottle: RequestThrottleLimits
  /** Null: clients may connect at any rate. */
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

/** A bucket of tokens, and a chance to be dropped that grows while the bucket is empty (ZK: BlueThrottle). */
export interface ConnectionThrottleLimits {
  readonly tokenCountMax: number
  readonly fillTimeMs: number
  readonly fillTokenCount: number
  readonly freezeTimeMs: number // -1 = no connection is dropped by chance
  readonly dropIncrease: number // may be above 1
  readonly dropDecrease: number
  readonly decreaseRatio: number
  /** Tokens that a connect request takes. */
  readonly newSessionTokens: number
  readonly localSessionTokens: number
  readonly returningSessionTokens: number
}
