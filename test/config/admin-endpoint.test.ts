import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load-config.ts'

function load(...lines: readonly string[]): ReturnType<typeof loadConfig> {
  const text = ['dataDir=/d', 'clientPort=2181', ...lines].join('\n')
  return loadConfig({ text, dynamicText: null, myidText: null })
}

function endpoint(...lines: readonly string[]): unknown {
  const loaded = load(...lines)
  return loaded.ok ? loaded.value.config.adminEndpoint : loaded.error
}

test('admin commands are served on the port of ZooKeeper, on the loopback address', () => {
  expect(endpoint()).toEqual({
    address: { host: '127.0.0.1', port: 8080 },
    commandUrl: '/commands',
    idleTimeoutMs: 30_000,
    allowedHosts: [],
  })
})

test('every key has its effect', () => {
  expect(
    endpoint(
      'admin.serverAddress=0.0.0.0',
      'admin.serverPort=0',
      'admin.commandURL=/a/b',
      'admin.idleTimeout=5',
      'admin.allowedHosts=zk, zk.example.com',
    ),
  ).toEqual({
    address: { host: '0.0.0.0', port: 0 },
    commandUrl: '/a/b',
    idleTimeoutMs: 5,
    allowedHosts: ['zk', 'zk.example.com'],
  })
  expect(endpoint('admin.enableServer=false')).toBeNull()
})

test.each([
  'admin.serverPort=65536',
  'admin.commandURL=commands',
  'admin.commandURL=/',
  'admin.commandURL=/a?b',
  'admin.idleTimeout=0',
  'admin.serverAddress=a b',
  'admin.enableServer=yes',
  'admin.forceHttps=true',
  'admin.portUnification=true',
  'admin.needClientAuth=true',
])('%s is refused, and the error names the key', (line) => {
  expect(endpoint(line)).toMatchObject([{ key: line.split('=')[0] }])
})
