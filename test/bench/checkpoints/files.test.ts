import { expect, test } from 'vitest'
import { checkpointCountOf } from './creates-row.ts'
import { newestSnapshot } from './files.ts'

test('the newest snapshot is that with the highest zxid, among logs and other files', () => {
  const file = (path: string) => ({ path, sizeBytes: 1, diskBytes: 512 })
  const files = ['log.ffff', 'snapshot.9', 'snapshot.10000000a', 'snapshot.fffff', 'acceptedEpoch', 'snapshot.b.tmp']
  expect(newestSnapshot(files.map((name) => file(`/d/version-2/${name}`)))?.path).toBe(
    '/d/version-2/snapshot.10000000a',
  )
  expect(newestSnapshot([file('/d/version-2/log.1')])).toBeUndefined()
})

test('checkpoints are counted from the answer to mntr, and are absent on a server without them', () => {
  expect(checkpointCountOf('zk_version\t3.9.5\nzk_cnt_snapshottime\t12\nzk_max_snapshottime\t99\n')).toBe(12)
  expect(checkpointCountOf('zk_version\t3.9.5\n')).toBeUndefined()
})
