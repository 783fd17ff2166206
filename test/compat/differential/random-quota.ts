/**
 * Quotas as clients set them: the folders below /zookeeper/quota, the limits, and the znode that holds the usage.
 * Usage is compared like any data. Assumes: one request a step, since limits are checked against what is applied.
 * Texts that Apache ZooKeeper does not survive, in the znode of the usage, are not written.
 */
import type { SeededRandom } from '../../support/seeded-random.ts'
import { type Operation, top } from './calls.ts'
import type { KnownTree } from './known-tree.ts'
import { openAcl } from './random-arguments.ts'

export const quotaFolder = '/zookeeper/quota'

export function randomQuotaOperation(random: SeededRandom, known: KnownTree): Operation {
  const path = known.any(random)
  const target = path.startsWith(top) && !random.chance(3) ? path : top
  const folder = `${quotaFolder}${target}`
  const [limits, usage] = [`${folder}/zookeeper_limits`, `${folder}/zookeeper_stats`]
  const missing = foldersOf(folder).find((each) => !known.hasQuotaZnode(each))
  if (missing !== undefined) return create(missing, '')
  if (!known.hasQuotaZnode(limits)) return create(limits, randomLimits(random))
  if (!known.hasQuotaZnode(usage)) return create(usage, random.pick(['count=0,bytes=0', 'count=-1,bytes=-1']))
  const dice = random.below(12)
  if (dice < 4) return { op: 'getData', path: usage, watch: random.below(2) }
  if (dice < 8) return { op: 'setData', path: limits, data: randomLimits(random), version: -1 }
  if (dice < 9) return { op: 'delete', path: limits, version: -1 }
  if (dice < 10) return { op: 'delete', path: usage, version: -1 }
  if (dice < 11) return { op: 'getChildren2', path: folder, watch: 1 }
  return { op: 'exists', path: usage, watch: 1 }
}

function create(path: string, data: string): Operation {
  return { op: 'create', path, data, acl: openAcl, flags: 0 }
}

/** Below /zookeeper/quota, outermost first. */
function foldersOf(folder: string): readonly string[] {
  const names = folder.slice(quotaFolder.length + 1).split('/')
  return names.map((_, index) => `${quotaFolder}/${names.slice(0, index + 1).join('/')}`)
}

function randomLimits(random: SeededRandom): string {
  const [count, bytes] = [random.pick([-1, 1, 3, 10, 30, 1000]), random.pick([-1, 0, 100, 5000, 1_000_000])]
  switch (random.below(8)) {
    case 0:
      return `count=${count},bytes=${bytes}`
    case 1:
      return `count=${count},bytes=${bytes}=;byteHardLimit=${bytes};countHardLimit=-1`
    case 2:
      return random.pick(['', 'nonsense', 'count=1', 'count=x,bytes=1', 'bytes=5,count=7', 'count=1,bytes=2,'])
    default:
      return `count=-1,bytes=-1=;byteHardLimit=${bytes};countHardLimit=${count}`
  }
}
