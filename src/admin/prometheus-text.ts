/**
 * Metric families as the text that Prometheus scrapes, version 0.0.4 of its exposition format (ZK: the MetricsServlet of
 * Prometheus' Java client prints the same). Names of metrics and labels come from our tables; values of labels and help
 * texts may hold anything.
 */
import type { MetricFamily, MetricSample } from '../base/metric-family.ts'

export const prometheusContentType = 'text/plain; version=0.0.4; charset=utf-8'

/** The families in alphabetical order, as a person looks for them. Assumes: each name occurs once. */
export function renderPrometheus(families: readonly MetricFamily[]): string {
  const sorted = [...families].sort((a, b) => (a.name < b.name ? -1 : 1))
  return sorted.map(renderFamily).join('')
}

function renderFamily({ name, type, help, samples }: MetricFamily): string {
  const lines = samples.map((sample) => `${name}${sample.suffix}${labelsOf(sample)} ${numberText(sample.value)}\n`)
  return `# HELP ${name} ${escaped(help)}\n# TYPE ${name} ${type}\n${lines.join('')}`
}

function labelsOf({ labels }: MetricSample): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escaped(value).replaceAll('"', '\\"')}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value) // NaN is written as in JavaScript
}
