/**
 * Tables whose rows are znodes (KeeperMap), and the operations by which ClickHouse reads and writes them. With ZooKeeper
 * it uses slower operations, with the same result.
 */
import { type Check, expectEqual, expectTrue } from '../checks.ts'
import { childrenOf, control, isKeeper, type Pair, root } from './environment.ts'

const tableOf = (name: string): string =>
  `create table default.${name} (key UInt64, value String) engine=KeeperMap('/${name}') primary key key`

export function keeperMapChecks({ first, second, recorder }: Pair): readonly Check[] {
  return [
    {
      title: 'a KeeperMap table inserts rows, finds them by key, changes and deletes them',
      async run() {
        await first.query(tableOf('rows'))
        await first.query("insert into default.rows select number, concat('v', toString(number)) from numbers(500)")
        expectEqual(await first.query('select count(), sum(key) from default.rows'), '500\t124750\n', 'all')
        const byKey = 'select key, value from default.rows where key in (7, 499, 10000) order by key'
        expectEqual(await first.query(byKey), '7\tv7\n499\tv499\n', 'by key')
        await first.query("insert into default.rows values (7, 'again')")
        await first.query("alter table default.rows update value = 'changed' where key = 499")
        await first.query('delete from default.rows where key < 7')
        expectEqual(await first.query(byKey), '7\tagain\n499\tchanged\n', 'after the changes')
        expectEqual(await first.query('select count() from default.rows'), '493\n', 'count')
        expectEqual(
          (await childrenOf(`${root}/keeper_map/rows/data`))?.length,
          493,
          'znodes of the rows, as another client sees them',
        )
      },
    },
    {
      title: 'a strict KeeperMap refuses a key that is taken',
      async run() {
        await first.query(tableOf('strict'))
        await first.query("insert into default.strict values (1, 'a')")
        const settings = 'settings keeper_map_strict_mode = 1'
        const refusal = await refusalOf(first.query(`insert into default.strict ${settings} values (1, 'b'), (2, 'b')`))
        expectTrue(/KEEPER_EXCEPTION|exist/i.test(refusal), `refusal: ${refusal}`)
        expectEqual(await first.query('select key, value from default.strict'), '1\ta\n', 'rows: all or none')
        await first.query(`alter table default.strict update value = 'c' where key = 1 ${settings}`)
        expectEqual(await second.query(`${tableOf('strict')};`), '', 'the second creates it too')
        expectEqual(await second.query('select key, value from default.strict'), '1\tc\n', 'rows at the second')
      },
    },
    {
      title: 'two processes share a KeeperMap table until the last of them drops it',
      async run() {
        for (const each of [first, second]) await each.query(tableOf('shared'))
        await first.query("insert into default.shared values (1, 'from the first')")
        await second.query("insert into default.shared values (2, 'from the second')")
        const all = 'select value from default.shared order by key'
        expectEqual(await first.query(all), await second.query(all), 'rows')
        expectEqual(await first.query(all), 'from the first\nfrom the second\n', 'rows of both')
        await second.query('drop table default.shared sync')
        expectEqual(await first.query(all), 'from the first\nfrom the second\n', 'rows once one has dropped it')
        await first.query('drop table default.shared sync')
        expectEqual(await childrenOf(`${root}/keeper_map/shared`), null, 'znodes once both have')
      },
    },
    {
      title: 'a KeeperMap table is truncated, and dropped with all its znodes',
      async run() {
        await first.query('truncate table default.rows')
        expectEqual(await childrenOf(`${root}/keeper_map/rows/data`), [], 'znodes once it is emptied')
        await first.query("insert into default.rows values (1, 'a')")
        expectEqual(await first.query('select * from default.rows'), '1\ta\n', 'rows of a table that was emptied')
        await first.query('drop table default.rows sync')
        expectEqual(await childrenOf(`${root}/keeper_map/rows`), null, 'znodes')
      },
    },
    waysCheck(recorder.take, first.query),
    lossCheck(first.query),
  ]
}

/** Each statement with the requests of Keeper that it must cause. With ZooKeeper it must cause none. */
function waysCheck(take: Pair['recorder']['take'], query: Pair['first']['query']): Check {
  const steps: readonly [sql: string, keepers: readonly string[]][] = [
    [tableOf('ways'), ['14.502']],
    ['insert into default.ways select number, toString(number) from numbers(50)', ['22.3']],
    ['select count() from default.ways where length(value) > 0', ['22.4']],
    ['select key from default.ways where key in (1, 2, 3)', ['22.4']],
    ["alter table default.ways update value = 'x' where key < 10", ['22.4']],
    ['truncate table default.ways', []],
    ['drop table default.ways sync', []],
    [
      `create table default.waysReplicated (a UInt8) engine=ReplicatedMergeTree('${root}/tables/ways', 'r') order by a`,
      ['14.502'],
    ],
    ['drop table default.waysReplicated sync', ['503']],
  ]
  return {
    title: isKeeper ? "ClickHouse uses Keeper's own operations" : "ClickHouse uses ZooKeeper's operations only",
    async run() {
      for (const [sql, keepers] of steps) {
        take()
        await query(sql)
        const asked = [...take().keys()]
        const used = asked.filter((name) => /5\d\d$|^22/.test(name))
        if (!isKeeper) expectEqual(used, [], `requests of Keeper's for: ${sql}`)
        else
          expectTrue(
            keepers.every((name) => used.includes(name)),
            `${sql}: wanted ${keepers.join(' ')}, got ${asked.join(' ')}`,
          )
      }
    },
  }
}

function lossCheck(query: Pair['first']['query']): Check {
  return {
    title: 'ClickHouse goes on after its connection was lost',
    async run() {
      await query(tableOf('lossy'))
      for (let round = 0; round < 10; round++) {
        await control('cut')
        await query(`insert into default.lossy values (${round}, 'r')`)
      }
      expectEqual(await query('select count(), sum(key) from default.lossy'), '10\t45\n', 'rows')
      await query('drop table default.lossy sync')
    },
  }
}

async function refusalOf(query: Promise<string>): Promise<string> {
  return query.then(
    () => 'none',
    (error: unknown) => String(error),
  )
}
