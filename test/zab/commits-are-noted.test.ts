/** A server that knows what was committed stops before a leader that lacks it can cut it: test/scenarios shows that. */
import { expect, test } from 'vitest'
import { commitMarkIntervalMs } from '../../src/base/limits.ts'
import { commit, newCluster, settle } from './working-cluster.ts'

test('a commit is noted in the log a second later at the latest, on every server and without another txn', () => {
  const cluster = newCluster(3)
  settle(cluster)
  commit(cluster, 1)
  cluster.run(commitMarkIntervalMs)
  const last = commit(cluster, 3).at(-1)
  cluster.run(commitMarkIntervalMs + 100)
  expect(cluster.servers.map(({ log }) => log.committed)).toEqual([last, last, last])
})
