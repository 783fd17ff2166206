/** Other state of ClickHouse in ZooKeeper: functions, named collections, series, and the metadata of replicated tables. */
import { type Check, eventually, expectEqual } from '../checks.ts'
import { childrenOf, type Pair, root } from './environment.ts'

const timeoutMs = 10_000

export function sharedStateChecks({ first, second }: Pair): readonly Check[] {
  const secondSays = (sql: string, wanted: string): Promise<void> =>
    eventually(
      async () => (await second.query(sql).catch(() => 'refused')) === wanted,
      timeoutMs,
      `${JSON.stringify(wanted)} is the answer of the second to: ${sql}`,
    )
  return [
    {
      title: 'a function created, replaced and dropped by one ClickHouse is so for the other',
      async run() {
        await second.query('select 1') // both must have begun to watch
        await first.query('create function compat_add as (x) -> x + 1')
        await secondSays('select compat_add(1)', '2\n')
        await first.query('create or replace function compat_add as (x) -> x + 2')
        await secondSays('select compat_add(1)', '3\n')
        await first.query('drop function compat_add')
        await secondSays('select compat_add(1)', 'refused')
      },
    },
    {
      title: 'a named collection made by one ClickHouse is seen by the other',
      async run() {
        const names = 'select name, length(collection) from system.named_collections'
        await first.query("create named collection compat_nc as a = 1, b = 'x'")
        await secondSays(names, 'compat_nc\t2\n')
        await first.query('drop named collection compat_nc')
        await secondSays(names, '')
      },
    },
    {
      title: 'a series returns each number once to two concurrent readers',
      async run() {
        const some = "select generateSerialID('compat') from numbers(40) settings max_block_size = 1"
        const texts = await Promise.all([first, second, first, second, first, second].map((each) => each.query(some)))
        const numbers = texts.flatMap((text) => text.trim().split('\n').map(Number)).sort((a, b) => a - b)
        const wanted = Array.from({ length: 240 }, (_, index) => index)
        expectEqual(numbers, wanted, 'numbers')
      },
    },
    {
      title: 'the znodes of a replicated table are created with its first replica and deleted with its last',
      async run() {
        const path = `${root}/tables/meta`
        const create = (name: string, seen: string): string =>
          `create table default.${name} (a UInt64, s String) engine=ReplicatedMergeTree('${seen}', '${name}') order by a`
        await first.query(create('r1', path))
        await second.query(create('r2', '/tables/meta')) // it has the root as its chroot
        expectEqual(await childrenOf(`${path}/replicas`), ['r1', 'r2'], 'replicas')
        await first.query('drop table default.r1 sync')
        expectEqual(await childrenOf(`${path}/replicas`), ['r2'], 'replicas once one is dropped')
        await second.query('drop table default.r2 sync')
        expectEqual(await childrenOf(path), null, 'znodes of the table')
      },
    },
  ]
}
