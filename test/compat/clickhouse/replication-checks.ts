/** Two ClickHouse servers that replicate their tables through the servers under test. */
import { type Check, eventually, expectEqual, expectTrue } from '../checks.ts'
import { childrenOf, root } from './environment.ts'
import type { ReplicatingServer } from './replicating-server.ts'

const timeoutMs = 15_000
const path = `${root}/replicated/t`
const rows = 'select a, s from t order by a'
const count = 'select count() from t'

export type Replicas = readonly [ReplicatingServer, ReplicatingServer]

export function replicationChecks(replicas: Replicas): readonly Check[] {
  const [first, second] = replicas
  return [
    {
      title: 'a replicated table has the rows of both replicas on each',
      async run() {
        await createOnBoth(replicas)
        await first.query("insert into t values (1, 'x'), (2, 'y')")
        await second.query("insert into t values (3, 'z')")
        for (const each of replicas) {
          await each.query('system sync replica t')
          expectEqual(await each.query(rows), '1\tx\n2\ty\n3\tz\n', 'rows')
        }
      },
    },
    {
      title: 'a block that is inserted again is recognised on every replica',
      async run() {
        await second.query("insert into t values (1, 'x'), (2, 'y')")
        await first.query("insert into t values (3, 'z')")
        expectEqual(await second.query(count), '3\n', 'rows')
        expectTrue((await childrenOf(`${path}/blocks`))!.length === 2, 'two blocks are remembered')
      },
    },
    {
      title: 'new columns, merges and mutations of one replica reach the other',
      async run() {
        await second.query('alter table t add column c UInt8 default 5')
        await first.query('optimize table t final')
        await first.query('alter table t delete where a = 1')
        for (const each of replicas)
          await eventually(
            async () => (await each.query('select a, c from t order by a').catch(String)) === '2\t5\n3\t5\n',
            timeoutMs,
            'the row is deleted and the column added',
          )
      },
    },
    {
      title: 'system.zookeeper shows the znodes with their data and Stats',
      async run() {
        const listed = `select name, numChildren > 0 from system.zookeeper where path = '${path}/replicas' order by name`
        expectEqual(await first.query(listed), 'r1\t1\nr2\t1\n', 'replicas')
        const metadata = `select value like '%PartitionID%' or value like '%metadata format version%', dataLength = length(value)
          from system.zookeeper where path = '${path}' and name = 'metadata'`
        expectEqual(await second.query(metadata), '1\t1\n', 'metadata')
        const owned = `select count() from system.zookeeper where path = '${path}/replicas/r1' and ephemeralOwner != 0`
        expectEqual(await second.query(owned), '1\n', 'ephemeral znodes of the replica')
      },
    },
    {
      title: 'a statement for the cluster is run by both',
      async run() {
        const create = `create table everywhere on cluster both (a UInt8) engine=ReplicatedMergeTree('${root}/replicated/everywhere', '{replica}') order by a`
        await first.query(create)
        await second.query('insert into everywhere values (9)')
        await first.query('system sync replica everywhere')
        expectEqual(await first.query('select a from everywhere'), '9\n', 'row')
        await second.query('drop table everywhere on cluster both')
        expectEqual(await first.query('exists table everywhere'), '0\n', 'the table, once it is dropped')
      },
    },
    deathCheck(replicas),
  ]
}

/** This must be the last check, since the second server is not started again. */
function deathCheck([first, second]: Replicas): Check {
  return {
    title: 'a replica that is killed is not active once its session has ended, and the other goes on',
    async run() {
      await second.kill()
      await first.query("insert into t (a, s) values (4, 'alone')")
      await eventually(
        async () => (await childrenOf(`${path}/replicas/r2`))?.includes('is_active') === false,
        timeoutMs,
        'is_active of the dead replica is gone',
      )
      expectEqual(await first.query(count), '3\n', 'rows')
    },
  }
}

export async function createOnBoth(replicas: Replicas): Promise<void> {
  for (const [index, each] of replicas.entries())
    await each.query(
      `create table t (a UInt64, s String) engine=ReplicatedMergeTree('${path}', 'r${index + 1}') order by a`,
    )
}
