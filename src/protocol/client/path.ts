/**
 * The rules for znode paths, and how to take a path apart.
 * Only `parseZnodePath` makes a `ZnodePath`. Only writes validate, and each at its own point: a read of an
 * illegal path finds no znode (ZK: PathUtils.validatePath). A looser rule would let a znode exist that
 * clients of other servers cannot name.
 */
import { assert } from '../../base/assert.ts'
import type { ZnodePath } from '../../base/ids.ts'
import { err, ok, type Result } from '../../base/result.ts'

const slash = 0x2f
const dot = 0x2e

export function parseZnodePath(text: string): Result<ZnodePath, 'bad-arguments'> {
  return isLegal(text) ? ok(text as ZnodePath) : err('bad-arguments')
}

/** The part before the last `/`; the root for a name directly below it. Also for texts that are no legal path. */
export function parentOf(text: string): string {
  const at = text.lastIndexOf('/')
  assert(at >= 0, 'only a text with a slash has a parent', { lengthUnits: text.length })
  return at === 0 ? '/' : text.slice(0, at)
}

/** The next step of a walk upwards: null above the root, and for a text without a slash. */
export function parentAbove(text: string): string | null {
  return text === '/' || !text.includes('/') ? null : parentOf(text)
}

/** The part after the last `/`; empty for the root. */
export function nameOf(text: string): string {
  return text.slice(text.lastIndexOf('/') + 1)
}

function isLegal(text: string): boolean {
  if (text.charCodeAt(0) !== slash) return false
  if (text.length === 1) return true
  let start = 1
  for (let i = 1; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit === slash) {
      if (!isLegalName(text, start, i)) return false
      start = i + 1
    } else if (unit < 0x20 || (unit > 0x7e && isIllegalUnit(unit))) {
      return false
    }
  }
  return isLegalName(text, start, text.length)
}

function isLegalName(text: string, start: number, end: number): boolean {
  const length = end - start
  if (length === 0) return false
  if (length > 2 || text.charCodeAt(start) !== dot) return true
  return length === 2 && text.charCodeAt(start + 1) !== dot
}

/** Surrogates and the private use area in one range: no character outside the basic plane is legal in a path. */
function isIllegalUnit(unit: number): boolean {
  return unit <= 0x9f || (unit >= 0xd800 && unit <= 0xf8ff) || unit >= 0xfff0
}
