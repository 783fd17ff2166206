/**
 * Arguments of requests, legal and illegal, of every kind that a server has to distinguish.
 * Assumes: the names are few, so that requests of several clients meet on the same znodes.
 */
import type { SeededRandom } from '../../support/seeded-random.ts'
import { type Acl, type Data, type Text, top, type ZxidRef } from './calls.ts'
import type { KnownTree } from './known-tree.ts'

const plainNames = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'lock-', 'node', '1', '0000000000']
/** Legal names that look illegal. */
const oddNames = [
  'x y',
  ' ',
  'ü',
  '日本',
  '\u00a0',
  '\uf900',
  '\uffef',
  '...',
  '.a',
  'a.',
  '..a',
  'zookeeper',
  'config',
  'quota',
  'n'.repeat(300),
  '-',
  '~',
  '\u00ad',
  '\u2028',
  '\ud7ff',
]
const illegalNames = [
  '',
  '.',
  '..',
  'a\u0000b',
  '\u0001',
  '\u001f',
  '\t',
  '\u007f',
  '\u0085',
  '\u009f',
  '😀',
  '\ue000',
  '\uf8ff',
  '\ufff0',
  '\uffff',
  '\ufffd',
]
const illegalPaths = [
  '',
  'foo',
  '//',
  `${top}/`,
  `/${top}`,
  `${top}//a`,
  '/./a',
  '/../a',
  `${top}/./a`,
  '\u0000',
  '/\u0000',
  'a/b',
  ' ',
  '/ ',
]

export function randomName(random: SeededRandom): string {
  if (random.chance(12)) return random.pick(oddNames)
  return random.pick(plainNames)
}

/** The path of a znode that exists, or of one that could. */
export function randomPath(random: SeededRandom, known: KnownTree): Text {
  const dice = random.below(100)
  if (dice < 68) return known.any(random)
  if (dice < 88) return newPath(random, known)
  if (dice < 91) return random.pick(['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config', ''])
  return badPath(random, known)
}

/** A new path whose parent probably exists. */
export function newPath(random: SeededRandom, known: KnownTree): string {
  const parent = random.chance(3) ? top : known.any(random)
  // Not too deep, or the tree becomes a list.
  const base = parent.split('/').length > 6 ? top : parent
  return `${base}/${randomName(random)}`
}

export function badPath(random: SeededRandom, known: KnownTree): Text {
  switch (random.below(7)) {
    case 0:
      return null
    case 1:
    case 2:
      return random.pick(illegalPaths)
    case 3:
      return `${known.any(random)}/`
    case 4:
      return { hex: malformedPathHex(random) }
    case 5:
      return `${known.any(random)}/${random.pick(illegalNames)}/${randomName(random)}`
    default:
      return `${known.any(random)}/${random.pick(illegalNames)}`
  }
}

const malformedUtf8 = ['ff', 'c328', 'e28228', 'f0288cbc', 'c0af', 'eda080', 'eda081edb080', '80', 'f4908080', 'e282']

/** `/` and then bytes that are not UTF-8, or not as Java has it. */
function malformedPathHex(random: SeededRandom): string {
  return `2f${random.pick(malformedUtf8)}${random.chance(2) ? '2f61' : ''}`
}

export function randomData(random: SeededRandom): Data {
  const dice = random.below(100)
  if (dice < 60) return `data ${random.below(1000)}`
  if (dice < 75) return ''
  if (dice < 90) return null
  if (dice < 97) return { repeat: 'x', count: random.below(3000) }
  return { repeat: 'y', count: random.below(100_000) }
}

export function randomVersion(random: SeededRandom, actual: number | undefined): number {
  const dice = random.below(100)
  if (dice < 50) return -1
  if (dice < 80) return actual ?? 0
  if (dice < 90) return (actual ?? 0) + 1
  return random.pick([0, 1, -2, 2 ** 31 - 1, -(2 ** 31), 7])
}

const open: Acl = { perms: 31, scheme: 'world', id: 'anyone' }
/** Of user `u<n>` with the password `p`, as in `addauth digest u1:p`. */
export const digestIds = ['u1:FfP80c+zcEPgU6zorph629PDPJ0=', 'u2:AaHy+pRIUVK2OXJejfBQ3E/DOVQ='] as const
const legalEntries: readonly Acl[] = [
  { perms: 1, scheme: 'world', id: 'anyone' },
  { perms: 3, scheme: 'world', id: 'anyone' },
  { perms: 13, scheme: 'world', id: 'anyone' },
  { perms: 16, scheme: 'world', id: 'anyone' },
  { perms: 0, scheme: 'world', id: 'anyone' },
  { perms: 255, scheme: 'world', id: 'anyone' },
  { perms: -1, scheme: 'world', id: 'anyone' },
  { perms: 31, scheme: 'auth', id: '' },
  { perms: 31, scheme: 'auth', id: 'whatever' },
  { perms: 5, scheme: 'auth', id: '' },
  { perms: 31, scheme: 'auth', id: null },
  { perms: 31, scheme: 'ip', id: '127.0.0.1' },
  { perms: 15, scheme: 'ip', id: '127.0.0.0/8' },
  { perms: 31, scheme: 'ip', id: '10.0.0.0/8' },
  { perms: 31, scheme: 'ip', id: '0.0.0.0/0' },
  { perms: 31, scheme: 'ip', id: '::1' },
  { perms: 31, scheme: 'ip', id: 'fe80::/10' },
  { perms: 31, scheme: 'digest', id: digestIds[0] },
  { perms: 31, scheme: 'digest', id: digestIds[1] },
  { perms: 17, scheme: 'digest', id: 'a:b' },
  { perms: 31, scheme: 'digest', id: ':b' },
  { perms: 31, scheme: 'digest', id: 'a:b:' },
]
const illegalEntries: readonly Acl[] = [
  { perms: 31, scheme: 'world', id: 'other' },
  { perms: 31, scheme: 'world', id: '' },
  { perms: 31, scheme: 'world', id: null },
  { perms: 31, scheme: null, id: 'anyone' },
  { perms: 31, scheme: null, id: null },
  { perms: 31, scheme: 'digest', id: null },
  { perms: 31, scheme: 'digest', id: 'ab' },
  { perms: 31, scheme: 'digest', id: 'a:' },
  { perms: 31, scheme: 'digest', id: 'a:b:c' },
  { perms: 31, scheme: 'digest', id: '' },
  { perms: 31, scheme: 'digest', id: ':' },
  { perms: 31, scheme: 'ip', id: null },
  { perms: 31, scheme: 'ip', id: '' },
  { perms: 31, scheme: 'ip', id: '1.2.3' },
  { perms: 31, scheme: 'ip', id: '1.2.3.4/33' },
  { perms: 31, scheme: 'ip', id: '1.2.3.4/' },
  { perms: 31, scheme: 'ip', id: '1.2.3.4/-1' },
  { perms: 31, scheme: 'ip', id: '1.2.3.256' },
  { perms: 31, scheme: 'ip', id: 'localhost' },
  { perms: 31, scheme: 'ip', id: '1::2::3' },
  { perms: 31, scheme: 'super', id: '' },
  { perms: 31, scheme: 'x509', id: 'CN=a' },
  { perms: 31, scheme: 'sasl', id: 'bob' },
  { perms: 31, scheme: 'sasl', id: null },
  { perms: 31, scheme: 'unknown', id: 'x' },
  { perms: 31, scheme: '', id: '' },
]

/** Mostly open, so that the tree stays usable. */
export function randomAcl(random: SeededRandom): readonly Acl[] | null {
  const dice = random.below(100)
  if (dice < 70) return [open]
  if (dice < 78) return [random.pick(legalEntries)]
  if (dice < 88) return [random.pick(legalEntries), random.pick(legalEntries), open, open]
  if (dice < 92) return [random.pick(legalEntries), random.pick(legalEntries)]
  if (dice < 94) return []
  if (dice < 95) return null
  return random.chance(2) ? [random.pick(illegalEntries)] : [open, random.pick(illegalEntries)]
}

export const openAcl: readonly Acl[] = [open]

export function randomMoment(random: SeededRandom): ZxidRef {
  const dice = random.below(10)
  if (dice < 6) return { back: random.below(30) }
  if (dice < 8) return { back: 0 }
  return { number: random.pick(['0', '-1', '1', '9223372036854775807']) }
}
