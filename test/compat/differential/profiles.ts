/**
 * The settings under which the two servers are compared, and which requests each setting makes more frequent.
 * Owns: that both get the same settings. Sessions must not expire during a run, and the cleanup of containers must not run:
 * an event at a time that a server chooses cannot be compared step by step.
 */
export interface Profile {
  readonly name: string
  readonly serverCount: number
  readonly settings: Readonly<Record<string, string>>
  readonly asks: {
    readonly sasl: boolean
    readonly reconfig: boolean
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

const asks = { sasl: false, reconfig: true, quotas: false }

export const profiles: readonly Profile[] = [
  { name: 'standalone', serverCount: 1, settings: common, asks },
  { name: 'ensemble', serverCount: 3, settings: common, asks },
  { name: 'no-ttl', serverCount: 1, settings: { ...common, extendedTypesEnabled: 'false' }, asks },
  { name: 'skip-acl', serverCount: 1, settings: { ...common, skipACL: 'yes' }, asks },
  {
    name: 'quotas',
    serverCount: 1,
    settings: { ...common, enforceQuota: 'true' },
    asks: { ...asks, quotas: true },
  },
]
