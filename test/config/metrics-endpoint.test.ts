import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load-config.ts'

const prometheus = 'metricsProvider.className=org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider'

function load(...lines: readonly string[]): ReturnType<typeof loadConfig> {
  const text = ['dataDir=/data', 'clientPort=2181', ...lines].join('\n')
  return loadConfig({ text, dynamicText: null, myidText: null })
}

function endpointOf(...lines: readonly string[]): unknown {
  const loaded = load(...lines)
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error))
  return loaded.value.config.metricsEndpoint
}

describe('the endpoint of metrics', () => {
  test('is off unless the class of Prometheus is named, as in ZooKeeper', () => {
    expect(endpointOf()).toBeNull()
    expect(endpointOf('metricsProvider.httpPort=7001')).toBeNull()
    expect(endpointOf('metricsProvider.className=org.apache.zookeeper.metrics.impl.NullMetricsProvider')).toBeNull()
  })

  test("has ZooKeeper's defaults, and what is set instead", () => {
    expect(endpointOf(prometheus)).toEqual({ address: { host: '0.0.0.0', port: 7000 }, exportsProcess: true })
    const set = ['metricsProvider.httpHost=[::1]', 'metricsProvider.httpPort=0', 'metricsProvider.exportJvmInfo=false']
    expect(endpointOf(prometheus, ...set)).toEqual({ address: { host: '::1', port: 0 }, exportsProcess: false })
  })

  test.each([
    ['metricsProvider.className=com.example.Metrics', 'Java classes cannot be loaded'],
    ['metricsProvider.httpPort=70000', 'not a whole number in range'],
    ['metricsProvider.exportJvmInfo=perhaps', 'this is a yes-or-no setting'],
  ])('does not come from %s, which is refused with the reason', (line, wrong) => {
    const loaded = load(line)
    expect(loaded.ok ? [] : loaded.error.map((problem) => problem.wrong)).toEqual([wrong])
  })

  test('says that the keys of worker threads have no effect', () => {
    const loaded = load(prometheus, 'metricsProvider.numWorkerThreads=4')
    expect(loaded.ok && loaded.value.remarks.map(({ severity, key }) => [severity, key])).toEqual([
      ['note', 'metricsProvider.numWorkerThreads'],
    ])
  })
})
