import { describe, expect, it } from 'vitest'
import {
  addToUsage,
  limitsPathOf,
  parseQuotaText,
  quotaZnodeOf,
  renderQuotaText,
  usagePathOf,
} from '../../src/protocol/client/quota-text.ts'

const parse = (text: string) => parseQuotaText(new TextEncoder().encode(text))
const normal = (text: string) => {
  const fields = parse(text)
  return fields === null ? null : renderQuotaText(fields)
}

describe('a quota text', () => {
  // As a server of ZooKeeper 3.9.5 reads and writes them; test/compat compares with one.
  it.each([
    ['count=1,bytes=2', 'count=1,bytes=2'],
    ['', 'count=-1,bytes=-1'],
    [',', 'count=-1,bytes=-1'],
    ['bytes=4', 'count=-1,bytes=4'],
    ['count=1;;,bytes=2,', 'count=1,bytes=2'],
    ['count=1,count=2', 'count=2,bytes=-1'],
    ['bytes=2=', 'count=-1,bytes=2'],
    ['count==5', 'count=-1,bytes=-1'],
    ['count=5=7', 'count=5,bytes=-1'],
    ['count=+07,bytes=-0', 'count=7,bytes=0'],
    ['byteHardLimit=5;countHardLimit=6', 'count=-1,bytes=-1=;byteHardLimit=5;countHardLimit=6'],
    ['z=1,B=2,a=3', 'count=-1,bytes=-1=;B=2;a=3;z=1'],
    ['=3', 'count=-1,bytes=-1=;=3'],
    ['bytes=9223372036854775807', 'count=-1,bytes=9223372036854775807'],
    ['bytes=-9223372036854775808', 'count=-1,bytes=-9223372036854775808'],
    ['bytes=0000000000000000000000001', 'count=-1,bytes=1'],
  ])('%j is written again as %j', (text, again) => {
    expect(normal(text)).toBe(again)
  })

  it.each([
    'abc',
    'count=',
    '=',
    '==',
    ',count=1',
    'count=x',
    'count= 1',
    'count=1 ',
    'count=0x1',
    'count=1n',
    'count=+',
  ])('%j cannot be read', (text) => {
    expect(parse(text)).toBe(null)
  })

  it.each(['9223372036854775808', '-9223372036854775809', '1'.repeat(30)])('the number %s is too large', (number) => {
    expect(parse(`count=${number}`)).toBe(null)
  })

  it('is none where there is no data', () => {
    expect(parseQuotaText(null)).toBe(null)
  })
})

describe('usage', () => {
  it.each([
    ['count=3,bytes=5', 1, 10, 'count=4,bytes=15'],
    ['count=3,bytes=5=;x=1', -1, -5, 'count=2,bytes=0=;x=1'],
    ['', 1, 10, 'count=0,bytes=9'],
    ['bytes=9223372036854775807', 0, 1, 'count=-1,bytes=-9223372036854775808'],
  ])('%j with %i znodes and %i bytes more is %j', (text, count, bytes, sum) => {
    expect(renderQuotaText(addToUsage(parse(text)!, count, bytes))).toBe(sum)
  })
})

describe('the znodes of a quota', () => {
  it('are found from the path that has it, and it from them', () => {
    expect(quotaZnodeOf(limitsPathOf('/a/b'))).toEqual({ kind: 'limits', path: '/a/b' })
    expect(quotaZnodeOf(usagePathOf('/a/b'))).toEqual({ kind: 'usage', path: '/a/b' })
    expect(quotaZnodeOf(usagePathOf(''))).toEqual({ kind: 'usage', path: '' })
  })

  it.each([
    '/a/zookeeper_limits',
    '/zookeeper/quota/a',
    '/zookeeper/quota/a/xzookeeper_limits',
    '/zookeeper/quotas/a/zookeeper_limits',
    '/zookeeper/quota/a/zookeeper_limits/b',
  ])('are not at %s', (path) => {
    expect(quotaZnodeOf(path)).toBe(null)
  })
})
