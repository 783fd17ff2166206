import { describe, expect, it } from 'vitest'
import { encode } from '../../../src/jute/record.ts'
import { newMetrics, type ServerMetrics } from '../../../src/metrics/server-metrics.ts'
import type { Log, LogFields } from '../../../src/ports/log.ts'
import { CreateRequest } from '../../../src/protocol/client/requests.ts'
import { QuotaExcesses } from '../../../src/replica/leading/quota-excesses.ts'
import type { QuotaExcess } from '../../../src/transactions/quota-check.ts'
import { StandaloneReplica } from '../standalone-replica.ts'

const openAcl = [{ perms: 31, scheme: 'world', id: 'anyone' }]
const creation = (path: string, text = '') =>
  encode(CreateRequest, { path, data: new TextEncoder().encode(text), acl: openAcl, flags: 0 })

function excessOf(quotaPath: string, rest: Partial<QuotaExcess> = {}): QuotaExcess {
  return {
    path: `${quotaPath}/x`,
    quotaPath,
    resource: 'count',
    wanted: 3n,
    limit: 2n,
    isHard: true,
    isRefused: true,
    ...rest,
  }
}

interface LoggedExcesses {
  readonly excesses: QuotaExcesses
  readonly metrics: ServerMetrics
  readonly lines: LogFields[]
  pass(ms: number): void
}

function loggedExcesses(): LoggedExcesses {
  const metrics = newMetrics()
  const lines: LogFields[] = []
  let nowMs = 0
  const log: Log = {
    debug() {},
    info() {},
    error() {},
    warn: (_event, fields) => lines.push(fields!),
    child: () => log,
  }
  const pass = (ms: number): void => {
    nowMs += ms
  }
  return { excesses: new QuotaExcesses(true, metrics, log, () => nowMs), metrics, lines, pass }
}

describe('writes above a quota', () => {
  it('are logged once a minute for each quota and resource, with the number left out', () => {
    const { excesses, lines, pass } = loggedExcesses()
    for (let i = 0; i < 5; i++) excesses.exceeded(excessOf('/a'))
    excesses.exceeded(excessOf('/b'))
    excesses.exceeded(excessOf('/a', { resource: 'bytes' }))
    pass(59_999)
    excesses.exceeded(excessOf('/a'))
    pass(1)
    excesses.exceeded(excessOf('/a'))
    expect(lines.map(({ quotaPath, resource, leftOutCount }) => [quotaPath, resource, leftOutCount])).toEqual([
      ['/a', 'count', 0],
      ['/b', 'count', 0],
      ['/a', 'bytes', 0],
      ['/a', 'count', 5],
    ])
    expect(lines[0]).toEqual({
      path: '/a/x',
      quotaPath: '/a',
      resource: 'count',
      limit: 2,
      wanted: 3,
      isHard: true,
      isRefused: true,
      leftOutCount: 0,
    })
  })

  it('are counted by namespace when they are refused', () => {
    const { excesses, metrics } = loggedExcesses()
    excesses.exceeded(excessOf('/a/b'))
    excesses.exceeded(excessOf('/a/c'))
    excesses.exceeded(excessOf('/d', { path: '/d' }))
    excesses.exceeded(excessOf('/e', { isRefused: false }))
    const counted = [...metrics.quota_exceeded_error_per_namespace.entries()]
    expect(counted.map(([namespace, { value }]) => [namespace, value])).toEqual([
      ['a', 2],
      ['d', 1],
    ])
  })

  it('are kept for a bounded number of quotas', () => {
    const { excesses, lines } = loggedExcesses()
    for (let i = 0; i < 1500; i++) excesses.exceeded(excessOf(`/n${i}`))
    excesses.exceeded(excessOf('/n1499'))
    excesses.exceeded(excessOf('/n0'))
    expect(lines).toHaveLength(1501)
  })
})

describe('enforceQuota', () => {
  function replicaWithQuota(...configLines: readonly string[]): StandaloneReplica {
    const replica = new StandaloneReplica(configLines)
    replica.connect(1)
    replica.ask(1, 'create', creation('/a'))
    replica.ask(1, 'create', creation('/zookeeper/quota/a'))
    replica.ask(1, 'create', creation('/zookeeper/quota/a/zookeeper_limits', 'countHardLimit=1'))
    replica.ask(1, 'create', creation('/zookeeper/quota/a/zookeeper_stats'))
    return replica
  }

  it.each([
    [['enforceQuota=true'], 'quota-exceeded'],
    [['enforceQuota=false'], null],
    [[], null],
  ] as const)('with %j decides the answer to a write above a hard quota', (configLines, error) => {
    expect(replicaWithQuota(...configLines).ask(1, 'create', creation('/a/b')).error).toBe(error)
  })

  it('counts a refused write once, though a refusal is decided twice', () => {
    const replica = replicaWithQuota('enforceQuota=true')
    replica.ask(1, 'create', creation('/a/b'))
    replica.ask(1, 'create', creation('/a/c'))
    expect(replica.metrics.quota_exceeded_error_per_namespace.of('a').value).toBe(2)
  })
})
