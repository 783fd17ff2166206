/** A whole server whose HTTP port is in memory: what it serves, when the port opens and closes, and a port that is in use. */
import { expect, test } from 'vitest'
import { ServerRig } from '../../support/server-rig.ts'
import { SimHttp } from '../../support/sim-http.ts'

const adminPort = 8080

function json(http: SimHttp, target: string): Record<string, unknown> {
  return JSON.parse(http.ask(adminPort, target).body) as Record<string, unknown>
}

test('a server answers admin commands from its state, and closes the port when it closes', async () => {
  const rig = new ServerRig()
  const http = new SimHttp()
  rig.http = http
  const server = await rig.started()
  expect(server.adminAddress).toEqual({ host: '127.0.0.1', port: 8080 })
  expect(json(http, '/commands/ruok')).toEqual({ command: 'ruok', error: null })
  expect(json(http, '/commands/monitor')).toMatchObject({ server_state: 'standalone', znode_count: 5, error: null })
  const client = await rig.connect()
  expect(json(http, '/commands/cons')['connections']).toHaveLength(1)
  expect(json(http, '/commands/stmk?traceMask=7')).toMatchObject({ tracemask: 7 })
  expect(await rig.ask('gtmk')).toBe('7')
  client.stream.destroy()
  await rig.settle(server.close())
  expect(http.isOpen(adminPort)).toBe(false)
})

test('the counters that a command resets are those that the four-letter words show', async () => {
  const rig = new ServerRig()
  const http = new SimHttp()
  rig.http = http
  const server = await rig.started()
  await rig.ask('srvr')
  expect(json(http, '/commands/srvr')).toMatchObject({ server_stats: { packets_received: 1 } })
  json(http, '/commands/stat_reset')
  expect(await rig.ask('srvr')).toContain('Received: 1\n')
  await rig.settle(server.close())
})

test('a port that is in use is logged with what to do, and the server serves without it', async () => {
  const rig = new ServerRig()
  rig.http = new SimHttp(Object.assign(new Error('in use'), { code: 'EADDRINUSE' }))
  const server = await rig.started()
  expect(server.adminAddress).toBe(null)
  expect(rig.events('admin-server-not-started')).toMatchObject([
    {
      text: expect.stringContaining(
        'admin.serverPort: cannot listen on 127.0.0.1:8080: another process uses this port',
      ),
    },
  ])
  expect(await rig.ask('ruok')).toBe('imok')
  await rig.settle(server.close())
})
