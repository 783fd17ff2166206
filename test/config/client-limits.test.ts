import { describe, expect, test } from 'vitest'
import { clientFrameSizeBytesCeiling } from '../../src/base/limits.ts'
import type { ClientLimits } from '../../src/config/client-limits.ts'
import type { Config } from '../../src/config/config.ts'
import { describeProblem } from '../../src/config/config-problem.ts'
import { loadConfig } from '../../src/config/load-config.ts'

function load(lines: readonly string[], myidText: string | null = null): ReturnType<typeof loadConfig> {
  return loadConfig({ text: ['dataDir=/d', 'clientPort=2181', ...lines].join('\n'), dynamicText: null, myidText })
}

function configOf(lines: readonly string[], myidText: string | null = null): Config {
  const loaded = load(lines, myidText)
  if (!loaded.ok) throw new Error(loaded.error.map((problem) => describeProblem(problem)).join('\n'))
  return loaded.value.config
}

function limitsOf(...lines: readonly string[]): ClientLimits {
  return configOf(lines).clientLimits
}

describe('what a server bears from its clients', () => {
  test('unset limits are those of ZooKeeper: a frame of a megabyte, and all else off', () => {
    expect(limitsOf()).toEqual({
      frameSizeBytesMax: 1_048_575,
      largeRequests: null,
      requestThrottle: {
        inFlightCountMax: 0,
        waitMsMax: 0,
        dropsStale: true,
        checksConnection: true,
        checksLatency: false,
      },
      connectionThrottle: null,
    })
  })

  test('the limit on frames is read as Java reads it, decimal or hexadecimal', () => {
    expect(limitsOf('jute.maxbuffer=4194304').frameSizeBytesMax).toBe(4_194_304)
    expect(limitsOf('jute.maxbuffer=0x9fffff').frameSizeBytesMax).toBe(0x9fffff)
    expect(limitsOf('jute.maxbuffer=0X400').frameSizeBytesMax).toBe(1024)
  })

  test.each([
    'jute.maxbuffer=44',
    `jute.maxbuffer=${clientFrameSizeBytesCeiling + 1}`,
    'jute.maxbuffer=0x100000000',
    'jute.maxbuffer=4m',
    'jute.maxbuffer=',
    'largeRequestThreshold=2147483648',
    'request_throttle_max_requests=1.5',
    'connection_throttle_drop_increase=-0.5',
    'connection_throttle_drop_increase=x',
    'connection_throttle_fill_count=0',
    'connection_throttle_fill_time=0',
    'nio.sessionlessCnxnTimeout=0',
    'znode.container.checkIntervalMs=0',
    'znode.container.maxPerMinute=0',
  ])('the line %s is refused by the name of its key', (line) => {
    const loaded = load([line])
    expect(loaded.ok ? [] : loaded.error.map(({ key }) => key)).toEqual([line.split('=')[0]])
  })

  test.each([
    ['100', 100],
    ['0144', 100],
    ['#64', 100],
    ['+100', 100],
    ['45', 45],
  ])('a limit on frames of %s is %d bytes', (text, sizeBytes) => {
    expect(limitsOf(`jute.maxbuffer=${text}`).frameSizeBytesMax).toBe(sizeBytes)
  })

  test('values below what makes sense are as if they were not set, and are warned of where ZooKeeper warns', () => {
    const loaded = load([
      'largeRequestThreshold=-7',
      'largeRequestMaxBytes=0',
      'request_throttle_max_requests=-1',
      'throttled_op_wait_time=-1',
      'connection_throttle_tokens=5',
      'connection_throttle_global_session_weight=0',
      'connection_throttle_weight_enabled=true',
      'connection_throttle_drop_increase=.5',
      'connection_throttle_drop_decrease=1e-3',
    ])
    if (!loaded.ok) throw new Error('refused')
    const { config, remarks } = loaded.value
    expect(config.clientLimits).toMatchObject({
      largeRequests: null,
      requestThrottle: { inFlightCountMax: 0, waitMsMax: 0 },
      connectionThrottle: { newSessionTokens: 3, dropIncrease: 0.5, dropDecrease: 0.001 },
    })
    expect(remarks.map(({ key, wrong }) => `${key}: ${wrong}`)).toEqual([
      'largeRequestThreshold: no request is large',
      'largeRequestMaxBytes: not above 0, so the default of 104857600 bytes counts',
      'connection_throttle_global_session_weight: not above 0, so 3 counts',
    ])
  })

  test('a threshold turns the budget for large requests on', () => {
    expect(limitsOf('largeRequestMaxBytes=1000').largeRequests).toBe(null)
    expect(limitsOf('largeRequestThreshold=500').largeRequests).toEqual({
      thresholdSizeBytes: 500,
      inFlightSizeBytesMax: 104_857_600,
    })
  })

  test('without weights every connect request takes one token, whatever the weights say', () => {
    const lines = ['connection_throttle_tokens=10', 'connection_throttle_global_session_weight=7']
    expect(limitsOf(...lines).connectionThrottle).toEqual({
      tokenCountMax: 10,
      fillTimeMs: 1,
      fillTokenCount: 1,
      freezeTimeMs: -1,
      dropIncrease: 0.02,
      dropDecrease: 0.002,
      decreaseRatio: 0,
      newSessionTokens: 1,
      localSessionTokens: 1,
      returningSessionTokens: 1,
    })
  })

  test('with weights the tokens are counted in new sessions, and none costs less than a local one', () => {
    const on = ['connection_throttle_tokens=10', 'connection_throttle_weight_enabled=true']
    const usual = { tokenCountMax: 30, fillTokenCount: 3, newSessionTokens: 3, returningSessionTokens: 2 }
    expect(limitsOf(...on).connectionThrottle).toMatchObject({ ...usual, localSessionTokens: 1 })
    expect(limitsOf(...on, 'connection_throttle_local_session_weight=5').connectionThrottle).toMatchObject({
      tokenCountMax: 50,
      newSessionTokens: 5,
      localSessionTokens: 5,
      returningSessionTokens: 5,
    })
  })

  test('a weight that lets no session come back is refused', () => {
    const renew = 'connection_throttle_renew_session_weight'
    const on = ['connection_throttle_tokens=2', 'connection_throttle_weight_enabled=true']
    expect(limitsOf(...on, `${renew}=6`).connectionThrottle?.returningSessionTokens).toBe(6)
    expect(() => limitsOf(...on, `${renew}=7`)).toThrow(
      `${renew}=7: a session that comes back costs 7, and there are 6 tokens at most`,
    )
    expect(limitsOf(`${renew}=7`).connectionThrottle).toBeNull()
  })
})

test.each([
  [1, 1000],
  [2, 1000],
  [3, 500],
  [5, 250],
])('of an ensemble of %d each member takes %d requests of the global limit', (memberCount, share) => {
  const lines = ['initLimit=5', 'syncLimit=2', 'standaloneEnabled=false']
  for (let id = 1; id <= memberCount; id++) lines.push(`server.${id}=h${id}:2888:3888`)
  expect(configOf(lines, '1').outstandingRequestCountMax).toBe(share)
})
