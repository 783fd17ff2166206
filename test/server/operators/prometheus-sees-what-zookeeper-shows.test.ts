import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Config } from '../../../src/config/config.ts'
import { documentedMetrics, namesNotIn } from '../../compat/wire/documented-metrics.ts'
import { connectFrame } from '../../support/conversation.ts'
import { createFrame, getDataFrame } from '../../support/requests.ts'
import { ensembleConfig, ServerRig, standaloneConfig } from '../../support/server-rig.ts'

const endpoint = { address: { host: '10.0.0.1', port: 7000 }, exportsProcess: true }

interface Shown {
  readonly type: string
  readonly labels: ReadonlySet<string>
}

/** As in the table of what ZooKeeper shows: quantiles with their values, other labels by name. */
function familiesIn(text: string): ReadonlyMap<string, Shown> {
  const families = new Map<string, { readonly type: string; readonly labels: Set<string> }>()
  for (const [, name, type] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    expect(families.has(name!)).toBe(false)
    families.set(name!, { type: type!, labels: new Set() })
  }
  for (const [, name, labels = ''] of text.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
    const family = families.get(name!) ?? families.get(name!.replace(/_(count|sum|bucket)$/, ''))
    if (family === undefined) throw new Error(`${name} has no type`)
    for (const [, label, value] of labels.matchAll(/(\w+)="([^"]*)"/g)) {
      family.labels.add(label === 'quantile' ? `quantile=${value}` : label!)
    }
  }
  return families
}

/** What Apache ZooKeeper shows in that role. */
function apacheFamilies(role: 'standalone' | 'leader' | 'follower'): ReadonlyMap<string, Shown> {
  const text = readFileSync(new URL('../../metrics/apache-prometheus.txt', import.meta.url), 'utf8')
  const rows = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    rows.flatMap((row) => {
      const [name, type, labels, roles] = row.split(' ')
      if (roles !== undefined && !roles.split('+').includes(role)) return []
      return [[name!, { type: type!, labels: new Set(labels === '-' ? [] : labels!.split(',')) }] as const]
    }),
  )
}

/** Fed by the process, which a simulated machine does not have. */
const ofTheProcess = /^(process|jvm)_|_file_descriptor_count$/

function expectAsInZooKeeper(shown: ReadonlyMap<string, Shown>, role: 'standalone' | 'leader' | 'follower'): void {
  const apache = apacheFamilies(role)
  const missing = [...apache.keys()].filter((name) => !shown.has(name) && !ofTheProcess.test(name))
  expect(namesNotIn(documentedMetrics().missing, missing)).toEqual([])
  expect([...shown.keys()].filter((name) => !apache.has(name) && !name.startsWith('zkts_'))).toEqual([])
  for (const [name, { type, labels }] of shown) {
    const expected = apache.get(name)
    if (expected === undefined) continue
    expect([name, type]).toEqual([name, expected.type])
    // A keyed metric without a key has no labels yet, on either side.
    if (labels.size > 0 && expected.labels.size > 0) expect([name, labels]).toEqual([name, expected.labels])
  }
}

const served = (config: Config): Config => ({ ...config, metricsEndpoint: endpoint })

test('a standalone server shows the metrics of ZooKeeper with their types and labels', async () => {
  const rig = new ServerRig()
  const server = await rig.started(served(standaloneConfig()))
  expect(server.metricsAddress).toEqual(endpoint.address)
  const client = await rig.connect()
  client.send(connectFrame(), createFrame(1, '/app', new Uint8Array(3)), getDataFrame(2, '/app'))
  await rig.run(100)
  const page = rig.page('/metrics')
  expect(page.headers['Content-Type']).toBe('text/plain; version=0.0.4; charset=utf-8')
  const families = familiesIn(page.body)
  expectAsInZooKeeper(families, 'standalone')
  expect(families.get('readlatency')?.labels).toEqual(new Set(['quantile=0.5', 'quantile=0.9', 'quantile=0.99']))
  expect(families.get('read_per_namespace')?.labels).toEqual(new Set(['key', 'quantile=0.5']))
  const values = rig.prometheus()
  expect(values.get('znode_count')).toBe((await rig.metrics()).get('znode_count'))
  expect(values.get('read_per_namespace_count{key="app"}')).toBe(1)
  expect(values.get('zkts_request_duration_seconds_count{operation="getData"}')).toBe(1)
  expect(values.get('zkts_request_duration_seconds_bucket{operation="create",le="+Inf"}')).toBe(1)
  expect(values.get('zkts_server_state{state="standalone"}')).toBe(1)
})

test('members show what ZooKeeper shows in their role, and the leader how far each learner lags', async () => {
  const rig = new ServerRig()
  const hosts = [1, 2, 3].map((id) => `10.0.0.${id}`)
  for (const id of [1, 2, 3]) {
    const { server } = rig.server(served(ensembleConfig(id)), rig.disk(id), hosts[id - 1]!)
    expect((await rig.settle(server.start())).ok).toBe(true)
  }
  await rig.run(3000)
  const leaders = hosts.filter((host) => rig.prometheus(host).has('leader_uptime'))
  expect(leaders).toHaveLength(1)
  const [leader] = leaders
  for (const host of hosts) {
    expectAsInZooKeeper(familiesIn(rig.page('/metrics', host).body), host === leader ? 'leader' : 'follower')
  }
  const values = rig.prometheus(leader)
  const learners = [1, 2, 3].filter((id) => hosts[id - 1] !== leader)
  for (const id of learners) {
    expect(values.get(`zkts_learner_synced{learner="${id}"}`)).toBe(1)
    expect(values.get(`zkts_learner_lag_txns{learner="${id}"}`)).toBe(0)
    expect(values.get(`zkts_learner_silent_ms{learner="${id}"}`)).toBeLessThan(1500)
  }
  expect(rig.prometheus(hosts[learners[0]! - 1]).has(`zkts_learner_synced{learner="${learners[1]}"}`)).toBe(false)
})

test('a refused connection is counted by its reason', async () => {
  const rig = new ServerRig()
  await rig.started(served(standaloneConfig(['maxClientCnxns=1'])))
  const client = await rig.connect()
  client.send(connectFrame())
  await rig.connect()
  await rig.run(100)
  expect(rig.prometheus().get('zkts_connections_refused_per_reason{reason="too-many-from-address"}')).toBe(1)
})
