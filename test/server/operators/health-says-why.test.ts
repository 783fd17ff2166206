import { expect, test } from 'vitest'
import type { Config } from '../../../src/config/config.ts'
import { connectFrame } from '../../support/conversation.ts'
import { createFrame } from '../../support/requests.ts'
import { ensembleConfig, metricsPort, ServerRig, standaloneConfig } from '../../support/server-rig.ts'
import { SimHttp } from '../../support/sim-http.ts'

const served = (config: Config): Config => ({
  ...config,
  metricsEndpoint: { address: { host: '10.0.0.1', port: metricsPort }, exportsProcess: false },
})

/** State, and the status codes of /livez, /readyz and /health. */
function health(rig: ServerRig, of?: string): readonly (string | number)[] {
  const pages = ['/livez', '/readyz', '/health'].map((path) => rig.page(path, of))
  const { state, text } = JSON.parse(pages[2]!.body) as { readonly state: string; readonly text: string }
  expect(text).not.toBe('')
  return [state, ...pages.map(({ status }) => status)]
}

test('a server that serves is live and ready, and its pages end with it', async () => {
  const rig = new ServerRig()
  const server = await rig.started(served(standaloneConfig()))
  expect(health(rig)).toEqual(['serving', 200, 200, 200])
  await rig.settle(server.close())
  expect(rig.https.get('10.0.0.1')!.isOpen(metricsPort)).toBe(false)
})

test('a page is not to be kept by those that pass it on, and its query has no meaning', async () => {
  const rig = new ServerRig()
  await rig.started(served(standaloneConfig()))
  const { status, headers } = rig.page('/metrics?name=a')
  expect([status, headers['Content-Type'], headers['Cache-Control']]).toEqual([
    200,
    expect.stringContaining('text/plain'),
    'no-store',
  ])
})

test('another path is not found, and another method is not allowed', async () => {
  const rig = new ServerRig()
  await rig.started(served(standaloneConfig()))
  expect(rig.page('/elsewhere').status).toBe(404)
  const post = rig.page('/metrics', '10.0.0.1', 'POST')
  expect([post.status, post.headers['Allow']]).toEqual([405, 'GET, HEAD'])
})

test('a server that reads its data is live and not ready, and shows what it has counted', async () => {
  const rig = new ServerRig()
  const proceed = rig.holdReading()
  const { server } = rig.server(served(standaloneConfig()))
  const starting = server.start()
  await rig.run(1000)
  expect(health(rig)).toEqual(['reading-data', 200, 503, 503])
  expect(rig.prometheus().get('connection_request_count')).toBe(0)
  proceed()
  expect((await rig.settle(starting)).ok).toBe(true)
})

test('a member without a leader is live and not ready', async () => {
  const rig = new ServerRig()
  const { server } = rig.server(served(ensembleConfig(1)))
  expect((await rig.settle(server.start())).ok).toBe(true)
  await rig.run(1000)
  expect(health(rig)).toEqual(['no-leader', 200, 503, 503])
  expect(rig.prometheus().get('zkts_server_state{state="not-serving"}')).toBe(1)
  expect(rig.prometheus().has('znode_count')).toBe(false)
})

test('a server whose writes wait for space is live and not ready', async () => {
  const rig = new ServerRig()
  const disk = rig.disk()
  await rig.started(served(standaloneConfig()), disk)
  disk.faults.full = true
  const client = await rig.connect()
  client.send(connectFrame(), createFrame(1, '/a', new Uint8Array(900_000)))
  await rig.run(5000)
  expect(health(rig)).toEqual(['disk-full', 200, 503, 503])
  expect(rig.prometheus().get('zkts_disk_full')).toBe(1)
})

test('a port of the pages that is busy fails the start, and the message names the key', async () => {
  const rig = new ServerRig()
  rig.http = new SimHttp(Object.assign(new Error('listen EADDRINUSE'), { code: 'EADDRINUSE' }))
  const { server } = rig.server(served(standaloneConfig()))
  const started = await rig.settle(server.start())
  expect(started).toMatchObject({ ok: false, error: { kind: 'port' } })
  expect(JSON.stringify(started)).toContain('metricsProvider.httpPort: cannot listen on 10.0.0.1:7000')
})

test('without the key no port is opened', async () => {
  const rig = new ServerRig()
  rig.http = new SimHttp()
  const server = await rig.started()
  expect(rig.http.isOpen(metricsPort)).toBe(false)
  expect(server.metricsAddress).toBeNull()
})
