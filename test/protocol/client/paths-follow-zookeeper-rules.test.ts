import { describe, expect, it } from 'vitest'
import { nameOf, parentOf, parseZnodePath } from '../../../src/protocol/client/path.ts'

function named(...units: readonly number[]): string {
  return `/x${String.fromCharCode(...units)}y`
}

describe('znode paths', () => {
  it.each([
    '/',
    '/a',
    '/a/b/c',
    '/...',
    '/.a',
    '/a.',
    '/..a',
    '/a..',
    '/a b',
    '/a/.../b',
    '/zookeeper/quota',
    named(0x20),
    named(0x7e),
    named(0xa0),
    named(0xd7ff),
    named(0xf900),
    named(0xffef),
  ])('the path %j is legal', (path) => {
    expect(parseZnodePath(path)).toEqual({ ok: true, value: path })
  })

  it.each([
    '',
    'a',
    'a/b',
    '//',
    '/a/',
    '/a//b',
    '//a',
    '/.',
    '/..',
    '/a/.',
    '/a/..',
    '/./a',
    '/a/../b',
    named(0),
    named(1),
    named(0x1f),
    named(0x7f),
    named(0x80),
    named(0x9f),
    named(0xd800),
    named(0xdc00),
    named(0xe000),
    named(0xf8ff),
    named(0xfff0),
    named(0xfffd),
    named(0xffff),
    '/😀',
  ])('the path %j is a bad argument', (path) => {
    expect(parseZnodePath(path)).toEqual({ ok: false, error: 'bad-arguments' })
  })

  it('agrees with the plain statement of the rules on every single UTF-16 unit', () => {
    for (let unit = 0; unit <= 0xffff; unit++) {
      const isIllegal =
        unit <= 0x1f || (unit >= 0x7f && unit <= 0x9f) || (unit >= 0xd800 && unit <= 0xf8ff) || unit >= 0xfff0
      if (parseZnodePath(named(unit)).ok === isIllegal) expect.fail(`unit ${unit.toString(16)}`)
    }
  })

  it('the parent is what stands before the last slash, and the root above the first level', () => {
    expect(parentOf('/a')).toBe('/')
    expect(parentOf('/a/b')).toBe('/a')
    expect(parentOf('/a/')).toBe('/a')
    expect(parentOf('/a//b')).toBe('/a/')
    expect(parentOf('/')).toBe('/')
    expect(() => parentOf('a')).toThrow('slash')
  })

  it('the name is what stands after the last slash', () => {
    expect(nameOf('/a')).toBe('a')
    expect(nameOf('/a/bc')).toBe('bc')
    expect(nameOf('/')).toBe('')
  })
})
