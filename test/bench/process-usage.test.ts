import { expect, test } from 'vitest'
import { procField } from './process-usage.ts'

test('a field of /proc is found by its whole name, whatever its unit', () => {
  const io = 'rchar: 6976\nwchar: 12\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 77\n'
  expect(procField(io, 'write_bytes')).toBe(8192)
  expect(procField(io, 'bytes')).toBeUndefined()
  expect(procField('Name:\tnode\nVmHWM:\t   51200 kB\nVmRSS:\t   40960 kB\n', 'VmHWM')).toBe(51200)
  expect(procField('', 'VmHWM')).toBeUndefined()
})
