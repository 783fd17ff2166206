/** ClickHouse while each of three servers is killed in turn: every accepted row is present exactly once. */
import { type Check, eventually, expectEqual } from '../checks.ts'
import { victims } from '../node/environment.ts'
import type { Embedded } from './embedded-clickhouse.ts'
import { control } from './environment.ts'
import { createOnBoth, type Replicas } from './replication-checks.ts'

const timeoutMs = 40_000

export function failoverChecks(embedded: Embedded, replicas: Replicas): readonly Check[] {
  return [
    {
      title:
        'every accepted row is present exactly once, in the KeeperMap and on each replica, after each server was killed in turn',
      async run() {
        await embedded.query("create table default.m (key UInt64, value String) engine=KeeperMap('/m') primary key key")
        await createOnBoth(replicas)
        const keys = await insertDuringKills([
          (key) => embedded.query(`insert into default.m values (${key}, 'v')`),
          (key) => replicas[key % 2]!.query(`insert into t values (${key}, 'v')`),
        ])
        const wanted = keys.map((key) => `${key}\n`).join('')
        expectEqual(await embedded.query('select key from default.m order by key'), wanted, 'keys of the KeeperMap')
        for (const each of replicas)
          await eventually(
            async () => (await each.query('select a from t order by a').catch(String)) === wanted,
            timeoutMs,
            'the replica has all rows',
          )
      },
    },
  ]
}

/** Inserts ten keys into each table around the kill of each server. A refused insert is repeated; it is idempotent. */
async function insertDuringKills(inserts: readonly ((key: number) => Promise<unknown>)[]): Promise<readonly number[]> {
  const keys: number[] = []
  const insertSome = async (): Promise<void> => {
    for (let i = 0; i < 5; i++) {
      const key = keys.length
      await Promise.all(inserts.map((insert) => eventually(() => isAccepted(insert(key)), timeoutMs, `row ${key}`)))
      keys.push(key)
    }
  }
  for (const victim of await victims()) {
    await control(`kill/${victim}`)
    await insertSome()
    await control(`start/${victim}`)
    await insertSome()
  }
  return keys
}

async function isAccepted(insert: Promise<unknown>): Promise<boolean> {
  return insert.then(
    () => true,
    () => false,
  )
}
