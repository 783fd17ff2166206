import { expect, test } from 'vitest'
import { closeSessionFrame, connectFrame, createFrame, getDataFrame, setDataFrame, writeFrame } from './frames.ts'

test('request frames have the bytes of the protocol when xid and digits are patched in', () => {
  const data = Buffer.from('hi')
  const cases = [
    { template: getDataFrame('/b/k####'), hex: '00000015 00000007 00000004 00000008 2f622f6b30303432 00' },
    {
      template: setDataFrame('/b/k####', data),
      hex: '0000001e 00000007 00000005 00000008 2f622f6b30303432 00000002 6869 ffffffff',
    },
    {
      template: createFrame('/b/###', data),
      hex: `00000037 00000007 00000001 00000006 2f622f303432 00000002 6869
        00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65 00000000`,
    },
    { template: closeSessionFrame(), hex: '00000008 00000007 fffffff5' },
  ]
  for (const { template, hex } of cases) {
    const target = Buffer.alloc(100)
    const end = writeFrame(template, 7, 42, target, 10)
    expect(target.subarray(10, end).toString('hex')).toBe(hex.replaceAll(/\s/g, ''))
  }
})

test('the connect frame asks for a new session with the timeout given', () => {
  const frame = connectFrame(30_000)
  const expected = `0000002d 00000000 0000000000000000 00007530 0000000000000000 00000010 ${'00'.repeat(17)}`
  expect(frame.toString('hex')).toBe(expected.replaceAll(' ', ''))
})
