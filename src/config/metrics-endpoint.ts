/**
 * The keys metricsProvider.*: whether metrics are served over HTTP, and where (ZK: QuorumPeerConfig, PrometheusMetricsProvider).
 * Owns: which of ZooKeeper's provider classes have a meaning here. Java classes cannot be loaded, so any other is an error, as
 * a class that does not exist is in ZooKeeper.
 */
import type { MetricsEndpoint } from './config.ts'
import { isHost, withoutBrackets } from './host-text.ts'
import type { Settings } from './settings.ts'

export const prometheusClass = 'org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider'
const classesWithoutHttp = [
  'org.apache.zookeeper.metrics.impl.DefaultMetricsProvider',
  'org.apache.zookeeper.metrics.impl.NullMetricsProvider',
]
const portDefault = 7000

/** Null: no endpoint, which is the default. The other keys are checked in any case. */
export function readMetricsEndpoint(settings: Settings): MetricsEndpoint | null {
  const classKey = 'metricsProvider.className'
  const className = settings.text(classKey) ?? classesWithoutHttp[0]!
  const isOn = className === prometheusClass
  if (!isOn && !classesWithoutHttp.includes(className)) {
    settings.refuse(classKey, 'Java classes cannot be loaded', `write ${prometheusClass}, or remove the line`)
  }
  const host = withoutBrackets(settings.text('metricsProvider.httpHost') ?? '0.0.0.0')
  if (!isHost(host)) {
    settings.refuse('metricsProvider.httpHost', 'neither an address nor a name', 'write an address, such as 127.0.0.1')
  }
  const port = settings.number('metricsProvider.httpPort', 0, 65_535) ?? portDefault
  const exportsProcess = settings.flag('metricsProvider.exportJvmInfo', true)
  return isOn ? { address: { host, port }, exportsProcess } : null
}
