/**
 * One random request. Owns: how often each operation is asked, and with which arguments.
 * Assumes: operations that end a connection, and those that are answered out of turn, are placed by the caller.
 */
import type { SeededRandom } from '../../support/seeded-random.ts'
import { type CreateCall, type Data, type Operation, type Text, top } from './calls.ts'
import type { KnownTree } from './known-tree.ts'
import {
  newPath,
  openAcl,
  randomAcl,
  randomData,
  randomMoment,
  randomName,
  randomPath,
  randomVersion,
} from './random-arguments.ts'

type Make = (random: SeededRandom, known: KnownTree) => Operation

/** Name, weight, maker. */
const makers: readonly (readonly [weight: number, make: Make])[] = [
  [16, (random, known) => randomCreate(random, known)],
  [9, (random, known) => randomDelete(random, known)],
  [9, (random, known) => randomSetData(random, known)],
  [4, (random, known) => randomSetAcl(random, known)],
  [7, (random, known) => ({ op: 'exists', path: randomPath(random, known), watch: randomWatch(random) })],
  [7, (random, known) => ({ op: 'getData', path: randomPath(random, known), watch: randomWatch(random) })],
  [5, (random, known) => ({ op: 'getChildren', path: randomPath(random, known), watch: randomWatch(random) })],
  [5, (random, known) => ({ op: 'getChildren2', path: randomPath(random, known), watch: randomWatch(random) })],
  [4, (random, known) => ({ op: 'getACL', path: randomPath(random, known) })],
  [2, (random, known) => ({ op: 'sync', path: randomPath(random, known) })],
  [1, () => ({ op: 'ping' })],
  [10, (random, known) => randomMulti(random, known)],
  [4, (random, known) => randomMultiRead(random, known)],
  [
    2,
    (random, known) => ({
      op: 'checkWatches',
      path: randomWatchedPath(random, known),
      type: randomWatcherType(random),
    }),
  ],
  [
    3,
    (random, known) => ({
      op: 'removeWatches',
      path: randomWatchedPath(random, known),
      type: randomWatcherType(random),
    }),
  ],
  [
    4,
    (random, known) => ({
      op: 'addWatch',
      path: randomPath(random, known),
      type: random.pick([0, 0, 0, 1, 1, 1, 2, -1]),
    }),
  ],
  [3, (random, known) => randomSetWatches(random, known)],
  [2, (random, known) => ({ op: 'getEphemerals', path: randomPrefix(random, known) })],
  [2, (random, known) => ({ op: 'getAllChildrenNumber', path: randomPath(random, known) })],
  [1, () => ({ op: 'whoAmI' })],
]

const weightOfAll = makers.reduce((sum, [weight]) => sum + weight, 0)

export function randomOperation(random: SeededRandom, known: KnownTree): Operation {
  let dice = random.below(weightOfAll)
  for (const [weight, make] of makers) {
    if (dice < weight) return make(random, known)
    dice -= weight
  }
  throw new Error('the weights do not add up')
}

function randomCreate(random: SeededRandom, known: KnownTree): CreateCall {
  const op = random.pick(['create', 'create', 'create', 'create2', 'create2', 'createContainer', 'createTTL'] as const)
  const path: Text = random.chance(4) ? randomPath(random, known) : newPath(random, known)
  const call = {
    path: random.chance(40) ? '/' : path,
    data: randomData(random),
    acl: randomAcl(random),
    flags: randomFlags(random, op),
  }
  // A sequence on the root would differ from run to run, for the root outlives the run.
  const isSequential = [2, 3, 6].includes(call.flags)
  const kept = isSequential && call.path === '/' ? { ...call, path: `${top}/` } : call
  if (op !== 'createTTL') return { op, ...kept }
  const isTtl = call.flags === 5 || call.flags === 6
  if (isTtl || random.chance(2)) return { op, ...kept, ttl: isTtl ? randomTtl(random) : '1000' }
  // Without a ttl the checks pass, and applying the txn ends Apache ZooKeeper: it must fail before that.
  return { op, ...kept, path: `${top}/nowhere/${randomName(random)}`, ttl: '-1' }
}

function randomFlags(random: SeededRandom, op: CreateCall['op']): number {
  if (random.chance(25)) return random.pick([7, -1, 8, 127, 2 ** 31 - 1, -(2 ** 31)])
  if (random.chance(10)) return random.below(7)
  switch (op) {
    case 'createContainer':
      return 4
    case 'createTTL':
      return random.pick([5, 5, 6])
    default:
      return random.pick([0, 0, 0, 0, 1, 1, 2, 2, 3])
  }
}

function randomTtl(random: SeededRandom): string {
  if (!random.chance(4)) return random.pick(['3600000', '1000000000', '1099511627775'])
  return random.pick(['0', '-1', '-2', '1099511627776', '9223372036854775807', '-9223372036854775808'])
}

function randomDelete(random: SeededRandom, known: KnownTree): Operation {
  const path = random.chance(3) ? randomPath(random, known) : known.leaf(random)
  const spared = path === top ? newPath(random, known) : path
  return { op: 'delete', path: spared, version: randomVersion(random, versionOf(known, spared)) }
}

function randomSetData(random: SeededRandom, known: KnownTree): Operation {
  const path = randomPath(random, known)
  return { op: 'setData', path, data: randomData(random), version: randomVersion(random, versionOf(known, path)) }
}

/** The folder of the run and the znodes outside it stay open, for the runs that follow. */
function randomSetAcl(random: SeededRandom, known: KnownTree): Operation {
  const path = randomPath(random, known)
  const isShared = path === top || typeof path !== 'string' || !path.startsWith(`${top}/`)
  const aversion = typeof path === 'string' ? known.get(path)?.aversion : undefined
  const acl = isShared && !random.chance(3) ? openAcl : isShared ? [] : randomAcl(random)
  return { op: 'setACL', path, acl, version: randomVersion(random, aversion) }
}

function versionOf(known: KnownTree, path: Text): number | undefined {
  return typeof path === 'string' ? known.get(path)?.version : undefined
}

function randomWatch(random: SeededRandom): number {
  if (random.chance(30)) return random.pick([2, 255])
  return random.below(2)
}

function randomWatchedPath(random: SeededRandom, known: KnownTree): Text {
  return random.chance(3) ? randomPath(random, known) : known.watched(random)
}

function randomWatcherType(random: SeededRandom): number {
  return random.chance(12) ? random.pick([0, 6, -1, 99]) : 1 + random.below(5)
}

function randomPrefix(random: SeededRandom, known: KnownTree): Text {
  const path = randomPath(random, known)
  if (typeof path !== 'string' || !random.chance(3)) return path
  return random.pick([null, '', '/', ' ', ` ${path} `, path.slice(0, -1), '\t', 'x'])
}

function randomMulti(random: SeededRandom, known: KnownTree): Operation {
  const count = random.pick([0, 1, 2, 2, 3, 3, 4, 6])
  const parts = Array.from({ length: count }, () => randomPart(random, known))
  // A znode made by one part and used by the next.
  if (random.chance(3)) {
    const path = newPath(random, known)
    parts.push({ op: 'create', path, data: 'parent', acl: openAcl, flags: 0 })
    parts.push(
      random.pick<Operation>([
        { op: 'create2', path: `${path}/child`, data: 'child', acl: openAcl, flags: random.below(4) },
        { op: 'setData', path, data: 'again', version: 0 },
        { op: 'delete', path, version: 0 },
        { op: 'check', path, version: 0 },
      ]),
    )
  }
  return { op: 'multi', parts, isEnded: !random.chance(40) }
}

function randomPart(random: SeededRandom, known: KnownTree): Operation {
  const dice = random.below(100)
  if (dice < 35) return legalCreatePart(randomCreate(random, known), random)
  if (dice < 55) return randomDelete(random, known)
  if (dice < 75) return randomSetData(random, known)
  if (dice < 96) {
    const path = random.chance(6) ? randomPath(random, known) : known.any(random)
    return { op: 'check', path, version: randomVersion(random, versionOf(known, path)) }
  }
  return randomOperation(random, known)
}

/** Flags that the decoder of a multi refuses make the whole of it fail; mostly they should not. */
function legalCreatePart(part: CreateCall, random: SeededRandom): CreateCall {
  if (random.chance(12)) return part
  const { flags } = part
  if (part.op === 'createTTL') return { ...part, flags: flags === 6 ? 6 : 5 }
  return { ...part, flags: flags >= 0 && flags <= 4 ? flags : 0 }
}

function randomMultiRead(random: SeededRandom, known: KnownTree): Operation {
  const parts = Array.from({ length: random.below(5) }, (): Operation => {
    if (random.chance(20)) return randomOperation(random, known)
    const op = random.pick(['getData', 'getChildren'] as const)
    return { op, path: randomPath(random, known), watch: randomWatch(random) }
  })
  return { op: 'multiRead', parts, isEnded: !random.chance(40) }
}

function randomSetWatches(random: SeededRandom, known: KnownTree): Operation {
  const op = random.pick(['setWatches', 'setWatches2'] as const)
  const lists = Array.from({ length: op === 'setWatches' ? 3 : 5 }, () => randomPathList(random, known))
  return { op, since: randomMoment(random), lists }
}

function randomPathList(random: SeededRandom, known: KnownTree): readonly Text[] | null {
  if (random.chance(30)) return null
  return Array.from({ length: random.below(4) }, () => {
    const path = randomPath(random, known)
    return path === null && !random.chance(3) ? known.any(random) : path
  })
}

export function randomAuth(random: SeededRandom): { readonly scheme: Text; readonly auth: Data } {
  const scheme = 'digest'
  const dice = random.below(20)
  if (dice < 8) return { scheme, auth: 'u1:p' }
  if (dice < 11) return { scheme, auth: 'u2:p' }
  if (dice < 13) return { scheme, auth: 'super:secret' }
  if (dice < 14) return { scheme, auth: random.pick(['super:wrong', 'nocolon', '', ':', 'a:b:c', 'u1:']) }
  if (dice < 16) return { scheme: 'ip', auth: random.pick([null, '', '127.0.0.1', 'x']) }
  return {
    scheme: random.pick(['world', 'sasl', 'x509', 'super', 'unknown', '', null, 'Digest', 'digest']),
    auth: random.pick([null, '', 'u1:p', 'anyone']),
  }
}

export function randomReconfig(random: SeededRandom): Operation {
  const member = (): Text => random.pick([null, null, '', 'server.9=127.0.0.1:1:2;3', '9', 'nonsense'])
  return { op: 'reconfig', members: [member(), member(), member()], version: random.pick(['-1', '0', '7']) }
}
