/**
 * The arguments of requests. There are few names, so that requests conflict; among them are values that have been mistaken
 * for a path, a version or an ACL before.
 */
import { createHash } from 'node:crypto'
import type { SessionId, Zxid } from '../../src/base/ids.ts'
import type { AclWire } from '../../src/protocol/client/acl.ts'
import type { Stat } from '../../src/protocol/client/stat.ts'
import type { SeededRandom } from '../support/seeded-random.ts'

export const rootPath = '/f'
const names = ['a', 'b', 'c', 'd', 'e']
const superPassword = 'super:secret'
export const superDigest = `super:${createHash('sha1').update(superPassword).digest('base64')}`

const oddPaths = [
  '',
  '/',
  '//',
  '/f/',
  '/f//a',
  'f',
  'f/a',
  '/f/.',
  '/f/..',
  '/f/./a',
  '/f/...',
  '/f/a\u0000b',
  '/f/\u0001',
  '/f/\u009f',
  '/f/\u00a0',
  '/f/\ud7ff',
  '/f/\uf900',
  '/f/\ufff0',
  '/f/😀',
  '/zookeeper',
  '/zookeeper/config',
  '/zookeeper/quota',
  '/zookeeper/quota/f',
  '/zookeeper/quota/f/zookeeper_limits',
  '/zookeeper/quota/f/zookeeper_stats',
  '/zookeeper/quota/f/e',
  '/zookeeper/quota/f/e/zookeeper_limits',
  '/zookeeper/quota/f/e/zookeeper_stats',
  '/keeper',
  '/keeper/api_version',
  '/keeper/feature_flags',
]
const quotaTexts = [
  'count=5,bytes=100',
  'count=1,bytes=9=;byteHardLimit=9;countHardLimit=1',
  'count=-1,bytes=x',
  '=;',
  'count=1,bytes=9=;byteHardLimit=90;countHardLimit=4',
]
const oddVersions = [-2, 2 ** 31 - 1, -(2 ** 31), 7]
const openAcl: readonly AclWire[] = [{ perms: 31, scheme: 'world', id: 'anyone' }]
const oddAcls: readonly (readonly AclWire[] | null)[] = [
  null,
  [],
  [{ perms: 1, scheme: 'world', id: 'anyone' }],
  [{ perms: 0, scheme: 'world', id: 'anyone' }],
  [{ perms: -1, scheme: 'world', id: 'anyone' }],
  [{ perms: 31, scheme: 'world', id: 'anybody-else' }],
  [{ perms: 31, scheme: 'world', id: null }],
  [{ perms: 31, scheme: null, id: 'anyone' }],
  [{ perms: 31, scheme: 'auth', id: '' }],
  [{ perms: 31, scheme: 'auth', id: null }],
  [{ perms: 31, scheme: 'digest', id: 'u:Jq7wMyA/w2Vd5WIDAKdu4OIIFEQ=' }],
  [{ perms: 31, scheme: 'digest', id: 'a:b:c' }],
  [{ perms: 31, scheme: 'digest', id: null }],
  [{ perms: 31, scheme: 'ip', id: '10.0.0.0/8' }],
  [{ perms: 31, scheme: 'ip', id: 'fe80::/10' }],
  [{ perms: 31, scheme: 'ip', id: '1.2.3.4/33' }],
  [{ perms: 31, scheme: 'x509', id: 'CN=a' }],
  [{ perms: 31, scheme: 'nonsense', id: 'a' }],
]
type AuthPacket = readonly [scheme: string | null, auth: string | null]
const authPackets: readonly AuthPacket[] = [
  ['digest', 'u:p'],
  ['digest', 'v:p'],
  ['digest', superPassword],
  ['ip', ''],
]
const badAuthPackets: readonly AuthPacket[] = [
  ['world', 'anyone'],
  ['sasl', ''],
  [null, ''],
  ['digest', null],
  ['nonsense', 'a'],
]

export class Values {
  readonly #random: SeededRandom

  constructor(random: SeededRandom) {
    this.#random = random
  }

  path(): string {
    const random = this.#random
    if (random.chance(12)) return random.pick(oddPaths)
    if (random.chance(60)) return `${rootPath}/${random.text(12)}`
    if (random.chance(400)) return `${rootPath}/${'x'.repeat(random.below(5000))}`
    return this.plainPath()
  }

  plainPath(): string {
    const random = this.#random
    let path: string = rootPath
    for (let depth = random.pick([0, 1, 1, 1, 1, 2, 2, 3]); depth > 0; depth--) path += `/${random.pick(names)}`
    return path
  }

  deepPath(): string {
    return `${rootPath}/${this.#random.pick(names)}/${this.#random.pick(names)}`
  }

  /** A Stat as checkStat expects it: -1 matches anything. */
  expectedStat(): Stat {
    const version = (): number => (this.#random.chance(2) ? -1 : this.version())
    const any = -1 as Zxid
    return {
      czxid: any,
      mzxid: any,
      ctime: -1,
      mtime: -1,
      version: version(),
      cversion: version(),
      aversion: version(),
      ephemeralOwner: -1n as SessionId,
      dataLength: this.#random.chance(2) ? -1 : this.#random.below(40),
      numChildren: version(),
      pzxid: any,
    }
  }

  /** Few paths, so that a later request finds the watch of an earlier one. */
  watchedPath(): string {
    return this.#random.chance(3) ? this.path() : `${rootPath}/${this.#random.pick(names)}`
  }

  paths(): readonly string[] | null {
    if (this.#random.chance(15)) return null
    return Array.from({ length: this.#random.below(4) }, () => this.path())
  }

  data(): Uint8Array | null {
    const random = this.#random
    if (random.chance(10)) return null
    if (random.chance(300)) return random.bytes(60_000)
    if (random.chance(8)) return new TextEncoder().encode(random.pick(quotaTexts))
    return random.bytes(random.below(40))
  }

  acl(): readonly AclWire[] | null {
    return this.#random.chance(8) ? this.#random.pick(oddAcls) : openAcl
  }

  version(): number {
    if (this.#random.chance(20)) return this.#random.pick(oddVersions)
    return this.#random.chance(2) ? -1 : this.#random.below(3)
  }

  flags(): number {
    return this.#random.chance(30) ? this.#random.int32() : this.#random.pick([0, 0, 0, 1, 1, 2, 3, 4, 5, 6])
  }

  ttlFlags(): number {
    return this.#random.chance(8) ? this.flags() : this.#random.pick([5, 6])
  }

  ttlMs(): bigint {
    if (this.#random.chance(10)) return this.#random.pick([0n, -1n, 2n ** 40n, 2n ** 63n - 1n, -(2n ** 63n)])
    return BigInt(1 + this.#random.below(5000))
  }

  relativeZxid(): Zxid {
    return (this.#random.chance(3) ? this.#random.int32() : 2 ** 32 + this.#random.below(10_000)) as Zxid
  }

  authPacket(): { readonly type: number; readonly scheme: string | null; readonly auth: Uint8Array | null } {
    const [scheme, auth] = this.#random.pick(this.#random.chance(40) ? badAuthPackets : authPackets)
    return { type: 0, scheme, auth: auth === null ? null : new TextEncoder().encode(auth) }
  }
}
