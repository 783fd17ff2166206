/**
 * Quotas on the wire: the texts of usage after writes, and refusals above hard limits. The servers run with
 * enforceQuota=true. Each check has a subtree and quota znodes of its own.
 */
import { type Check, expectEqual } from '../checks.ts'
import { bodies, connectRaw, opcodes } from '../raw-client.ts'
import { QuotaClient } from './quota-client.ts'

const quotaExceeded = -125

export function quotaChecks(port: number, root: string): readonly Check[] {
  return [
    ...usageChecks(port, root),
    ...oddChecks(port, root),
    ...limitChecks(port, root),
    ...brokenTextChecks(port, root),
  ]
}

function usageChecks(port: number, root: string): readonly Check[] {
  return [
    check(
      port,
      `${root}-quota-usage`,
      'usage is computed with its znode and follows creates, sets and deletes',
      async (zk) => {
        await zk.create(zk.path, 'abc')
        await zk.create(`${zk.path}/a`, 'de')
        await zk.create(`${zk.path}/a/b`, null)
        await zk.makeQuota('count=100,bytes=1000')
        expectEqual(await zk.usage(), 'count=3,bytes=5', 'at first')
        await zk.create(`${zk.path}/c`, '0123456789')
        expectEqual(await zk.usage(), 'count=4,bytes=15', 'after a create')
        await zk.set(`${zk.path}/c`, '0123')
        expectEqual(await zk.usage(), 'count=4,bytes=9', 'after a set')
        await zk.set(`${zk.path}/c`, null)
        expectEqual(await zk.usage(), 'count=4,bytes=5', 'after a set to nothing')
        await zk.delete(`${zk.path}/a/b`)
        await zk.set(zk.path, 'abcdef')
        expectEqual(await zk.usage(), 'count=3,bytes=8', 'after a delete and a set of the top')
        await zk.create(`${zk.path}x`, 'outside')
        expectEqual(await zk.usage(), 'count=3,bytes=8', 'after a create beside it')
      },
    ),
    check(port, `${root}-quota-stat`, 'usage changes without version, mzxid, mtime and watch event', async (zk) => {
      await zk.create(zk.path, null)
      await zk.makeQuota('count=5,bytes=-1')
      await zk.session.request(9, opcodes.getData, bodies.pathAndWatch(zk.usagePath, true))
      await zk.create(`${zk.path}/a`, '0123456789')
      const stat = await zk.stat(zk.usagePath)
      expectEqual([stat.version, stat.mzxid, stat.mtimeMs], [0, stat.czxid, stat.ctimeMs], 'the Stat')
      expectEqual(stat.dataLength, (await zk.usage()).length, 'its data length')
      await zk.set(zk.usagePath, 'count=50,bytes=7')
      expectEqual(
        zk.session.events.map(({ type }) => type),
        [3],
        'events, after a set by the client alone',
      )
      await zk.create(`${zk.path}/b`, 'xyz')
      expectEqual(await zk.usage(), 'count=51,bytes=10', 'usage, counted on from what the client wrote')
    }),
    check(port, `${root}-quota-ephemeral`, 'usage shrinks when a session ends with its ephemerals', async (zk) => {
      await zk.create(zk.path, null)
      await zk.makeQuota('count=50')
      const other = await connectRaw({ port })
      await other.request(1, opcodes.create, bodies.create(`${zk.path}/e`, Buffer.from('1234'), 1))
      await other.request(2, opcodes.create, bodies.create(`${zk.path}/f`, Buffer.from('12'), 3))
      expectEqual(await zk.usage(), 'count=3,bytes=6', 'while it lives')
      await other.request(3, opcodes.closeSession)
      expectEqual(await zk.usage(), 'count=1,bytes=0', 'when it is over')
    }),
    check(port, `${root}-quota-nested`, 'of nested quotas only the deepest counts', async (zk) => {
      await zk.create(zk.path, '1')
      await zk.create(`${zk.path}/in`, '22')
      await zk.makeQuota('count=100')
      await zk.makeQuota('count=100', `${zk.path}/in`)
      await zk.create(`${zk.path}/in/a`, '333')
      await zk.create(`${zk.path}/out`, '4444')
      expectEqual(await zk.usage(`${zk.path}/in`), 'count=2,bytes=5', 'of the inner')
      expectEqual(await zk.usage(), 'count=3,bytes=7', 'of the outer')
      await zk.delete(`${zk.path}/in/a`)
      await zk.delete(`/zookeeper/quota${zk.path}/in/zookeeper_limits`)
      await zk.set(`${zk.path}/in`, '')
      expectEqual(await zk.usage(`${zk.path}/in`), 'count=1,bytes=2', 'of the inner when it has no limits any more')
      expectEqual(await zk.usage(), 'count=3,bytes=5', 'of the outer, which counts again')
    }),
  ]
}

function oddChecks(port: number, root: string): readonly Check[] {
  return [
    check(port, `${root}-quota-no-limits`, 'usage without limits is computed once and not updated', async (zk) => {
      await zk.create(zk.path, '1')
      await zk.makeParents(zk.path)
      await zk.create(zk.usagePath, 'whatever')
      await zk.create(`${zk.path}/a`, '2')
      expectEqual(await zk.usage(), 'count=1,bytes=1', 'usage')
      await zk.create(zk.limitsPath, 'count=5')
      await zk.create(`${zk.path}/b`, '3')
      expectEqual(await zk.usage(), 'count=2,bytes=2', 'usage, from the limits on')
      await zk.delete(zk.usagePath)
      await zk.create(`${zk.path}/c`, '4')
      await zk.create(zk.usagePath, null)
      expectEqual(await zk.usage(), 'count=4,bytes=4', 'usage, created again')
    }),
    check(port, `${root}-quota-absent`, 'a quota may be set before its znode exists', async (zk) => {
      await zk.makeQuota('count=5')
      expectEqual(await zk.usage(), 'count=0,bytes=0', 'at first')
      await zk.create(zk.path, 'abc')
      expectEqual(await zk.usage(), 'count=1,bytes=3', 'with the znode')
    }),
    check(port, `${root}-quota-texts`, 'unusual usage texts are read and written as by Java', async (zk) => {
      await zk.create(zk.path, null)
      await zk.makeQuota('count=-1')
      for (const [text, next] of [
        ['', 'count=-1,bytes=0'],
        ['bytes=4', 'count=-1,bytes=5'],
        ['count=1;bytes=2', 'count=1,bytes=3'],
        ['z=1,count=1,b=+7,bytes=2=;count=3', 'count=3,bytes=3=;b=7;z=1'],
        ['count==8,bytes=9223372036854775807', 'count=-1,bytes=-9223372036854775808'],
        ['byteHardLimit=5;countHardLimit=6,', 'count=-1,bytes=0=;byteHardLimit=5;countHardLimit=6'],
      ] as const) {
        await zk.set(zk.path, null)
        await zk.set(zk.usagePath, text)
        await zk.set(zk.path, 'x')
        expectEqual(await zk.usage(), next, `after ${text}`)
      }
    }),
    check(
      port,
      `${root}-quota-root`,
      'the usage of the root is computed, and of /zookeeper counts itself twice',
      async (zk) => {
        const rootUsage = '/zookeeper/quota/zookeeper_stats'
        await zk.create(rootUsage, 'whatever')
        const total = (await zk.descendants('/')) + 1
        expectEqual((await zk.text(rootUsage)).split(',')[0], `count=${total}`, 'of the root')
        await zk.delete(rootUsage)
        await zk.makeQuota('count=100000', '/zookeeper')
        const below = (await zk.descendants('/zookeeper')) + 1
        expectEqual((await zk.usage('/zookeeper')).split(',')[0], `count=${below + 1}`, 'of /zookeeper')
        for (const path of ['zookeeper_stats', 'zookeeper_limits'])
          await zk.delete(`/zookeeper/quota/zookeeper/${path}`)
        await zk.delete('/zookeeper/quota/zookeeper')
      },
    ),
  ]
}

function limitChecks(port: number, root: string): readonly Check[] {
  return [
    check(port, `${root}-quota-hard-count`, 'a create above the hard count is refused, also in a multi', async (zk) => {
      await zk.create(zk.path, null)
      await zk.makeQuota('count=-1,bytes=-1=;countHardLimit=2')
      await zk.create(`${zk.path}/a`, null)
      expectEqual(await zk.tryCreate(`${zk.path}/b`, null), quotaExceeded, 'create')
      expectEqual(await zk.tryCreate(`${zk.path}/a`, null), -110, 'create of what exists')
      expectEqual(await zk.tryCreate(`${zk.path}/no/b`, null), -101, 'create without a parent')
      expectEqual(await zk.tryCreate(`${zk.path}/s`, null, 2), quotaExceeded, 'sequential create')
      expectEqual(await zk.multi([zk.partOfCreate(`${zk.path}/b`)]), { err: 0, results: [quotaExceeded] }, 'multi')
      expectEqual(await zk.trySet(`${zk.path}/a`, 'any size'), 0, 'setData')
      expectEqual(await zk.usage(), 'count=2,bytes=8', 'usage')
      await zk.set(zk.limitsPath, 'countHardLimit=3')
      expectEqual(await zk.tryCreate(`${zk.path}/b`, null), 0, 'create after the limit was raised')
      expectEqual(await zk.tryCreate(`${zk.path}/c`, null), quotaExceeded, 'the next create')
      await zk.delete(`${zk.path}/b`)
      expectEqual(
        await zk.multi(['c', 'd', 'e'].map((name) => zk.partOfCreate(`${zk.path}/${name}`))),
        { err: 0, results: [0, 0, 0] },
        'a multi, which is checked against the usage before it',
      )
      expectEqual(await zk.usage(), 'count=5,bytes=8', 'usage after it')
      await zk.delete(zk.limitsPath)
      expectEqual(await zk.tryCreate(`${zk.path}/f`, null), 0, 'create without limits')
    }),
    check(
      port,
      `${root}-quota-hard-bytes`,
      'a write above the hard bytes is refused before its version is checked',
      async (zk) => {
        await zk.create(zk.path, '12345')
        await zk.makeQuota('byteHardLimit=10;count=1;bytes=1')
        expectEqual(await zk.trySet(zk.path, '12345678901'), quotaExceeded, 'setData')
        expectEqual(await zk.trySet(zk.path, '12345678901', 77), quotaExceeded, 'setData with a wrong version')
        expectEqual(await zk.trySet(`${zk.path}/no`, '12345678901'), -101, 'setData of what is missing')
        expectEqual(await zk.trySet(zk.path, '1234567890', 77), -103, 'setData that fits, with a wrong version')
        expectEqual(await zk.trySet(zk.path, '1234567890'), 0, 'setData that fits')
        expectEqual(await zk.tryCreate(`${zk.path}/a`, '1'), quotaExceeded, 'create')
        expectEqual(await zk.tryCreate(`${zk.path}/a`, null), 0, 'create without data, over the soft count')
        await zk.set(zk.limitsPath, 'byteHardLimit=3')
        expectEqual(await zk.trySet(zk.path, '12345678'), quotaExceeded, 'setData that shrinks, yet too little')
        expectEqual(await zk.trySet(zk.path, 'abcdefghij'), 0, 'setData of the same size')
        expectEqual(await zk.trySet(zk.path, '123'), 0, 'setData that shrinks enough')
        await zk.set(zk.limitsPath, 'byteHardLimit=0')
        expectEqual(await zk.trySet(zk.path, null), 0, 'setData to nothing')
        expectEqual(await zk.trySet(zk.path, '1'), quotaExceeded, 'setData under a limit of nothing')
        await zk.delete(zk.usagePath)
        expectEqual(await zk.trySet(zk.path, '1'), 0, 'setData while usage is missing')
      },
    ),
  ]
}

function brokenTextChecks(port: number, root: string): readonly Check[] {
  return [
    check(
      port,
      `${root}-quota-broken`,
      'limits that cannot be parsed fail writes below them, and the whole multi',
      async (zk) => {
        await zk.create(zk.path, null)
        await zk.makeQuota('count=100')
        for (const text of [
          'abc',
          'count=',
          '=',
          ',count=1',
          'count=x',
          'count= 1',
          'count=9223372036854775808',
          null,
        ]) {
          await zk.set(zk.limitsPath, text)
          expectEqual(await zk.tryCreate(`${zk.path}/a`, null), -5, `create under ${text}`)
          expectEqual(await zk.trySet(zk.path, null), -5, `setData under ${text}`)
          expectEqual(
            await zk.multi([zk.partOfCreate(`${zk.path}/a`)]),
            { err: -5, results: [] },
            `multi under ${text}`,
          )
        }
        for (const text of ['', ',', 'a=1', 'count==', '=3', 'count=5==7=x']) {
          await zk.set(zk.limitsPath, text)
          expectEqual(await zk.trySet(zk.path, 'x'), text === 'count==' ? -5 : 0, `setData under ${text}`)
          await zk.set(zk.limitsPath, '')
          await zk.set(zk.path, null)
        }
      },
    ),
    check(port, `${root}-quota-broken-usage`, 'usage that cannot be parsed fails writes under a limit', async (zk) => {
      await zk.create(zk.path, null)
      await zk.makeQuota('count=100')
      await zk.set(zk.usagePath, 'abc')
      expectEqual(await zk.tryCreate(`${zk.path}/a`, null), -5, 'create')
      await zk.set(zk.usagePath, 'count=1,bytes=0')
      expectEqual(await zk.tryCreate(`${zk.path}/a`, null), 0, 'create when it is mended')
    }),
  ]
}

/** Every server counts the usage itself, and all results must be equal. */
export function quotaEnsembleChecks(ports: readonly number[], root: string): readonly Check[] {
  return [
    check(ports[0]!, `${root}-quota`, 'usage is the same on every server', async (zk) => {
      await zk.create(zk.path, 'abc')
      await zk.makeQuota('count=100=;byteHardLimit=20')
      for (const [index, port] of ports.entries()) {
        const session = await connectRaw({ port })
        await session.request(1, opcodes.create, bodies.create(`${zk.path}/${index}`, Buffer.from('1234'), 1))
      }
      expectEqual(await zk.tryCreate(`${zk.path}/over`, '123456'), quotaExceeded, 'create over the limit')
      for (const port of ports) {
        const session = await connectRaw({ port })
        await session.request(1, opcodes.sync, bodies.path('/'))
        const reply = await session.request(2, opcodes.getData, bodies.pathAndWatch(zk.usagePath, false))
        expectEqual(reply.body.buffer()?.toString(), 'count=4,bytes=15', `usage on port ${port}`)
        await session.request(3, opcodes.closeSession)
      }
    }),
  ]
}

function check(port: number, path: string, title: string, run: (zk: QuotaClient) => Promise<void>): Check {
  return {
    title,
    async run() {
      const session = await connectRaw({ port })
      await run(new QuotaClient(session, path))
      await session.request(1, opcodes.closeSession)
    },
  }
}
