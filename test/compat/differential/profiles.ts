/**
 * The settings under which the two servers are compared, and which requests each setting makes more frequent.
 * Owns: that both get the same settings. Sessions must not expire during a run, and the cleanup of containers must not run:
 * an event at a time that a server chooses cannot be compared step by step.
 */
export interface Profile {
  readonly name: string
  readonly serverCount: number
  readonly settings: Readonly<Record<string, string>>
  /** zkts runs with compatibility=strict; only the rules with a reason to stay are accepted. */
  readonly isStrict: boolean
  readonly asks: {
    readonly sasl: boolean
    readonly reconfig: boolean
    /** Requests that only servers send to each other: zkts refuses them, and its zxids would then not match ZooKeeper's. */
    readonly internal: boolean
    /** True: one request at a time, since limits are checked against applied writes, and pipelining leaves to chance which. */
    readonly quotas: boolean
  }
}

/** user 'super', password 'secret' */
const superDigest = 'super:lK75jTNcA+U9vtVEw5vB51mj/w4='

const common: Readonly<Record<string, string>> = {
  tickTime: '2000',
  minSessionTimeout: '400000',
  maxSessionTimeout: '800000',
  extendedTypesEnabled: 'true',
  'znode.container.checkIntervalMs': '3600000',
  'DigestAuthenticationProvider.superDigest': superDigest,
}

const asks = { sasl: false, reconfig: true, internal: true, quotas: false }
const strictAsks = { ...asks, internal: false }

export const profiles: readonly Profile[] = [
  { name: 'standalone', serverCount: 1, settings: common, isStrict: false, asks },
  { name: 'ensemble', serverCount: 3, settings: common, isStrict: false, asks },
  { name: 'no-ttl', serverCount: 1, settings: { ...common, extendedTypesEnabled: 'false' }, isStrict: false, asks },
  { name: 'skip-acl', serverCount: 1, settings: { ...common, skipACL: 'yes' }, isStrict: false, asks },
  { name: 'strict', serverCount: 1, settings: common, isStrict: true, asks: strictAsks },
  { name: 'strict-ensemble', serverCount: 3, settings: common, isStrict: true, asks: strictAsks },
  {
    name: 'quotas',
    serverCount: 1,
    settings: { ...common, enforceQuota: 'true' },
    isStrict: false,
    asks: { ...asks, quotas: true },
  },
]
