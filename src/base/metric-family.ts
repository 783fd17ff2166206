/**
 * A metric with all its values, as Prometheus reads it (its text exposition format): one name, one type, and a sample
 * for each set of labels. It is a plain value, so what a scrape shows can be tested without HTTP.
 */
export type MetricFamilyType = 'counter' | 'gauge' | 'summary' | 'histogram'

export interface MetricSample {
  /** What follows the name of the family on this line. */
  readonly suffix: '' | '_count' | '_sum' | '_bucket'
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface MetricFamily {
  readonly name: string
  readonly type: MetricFamilyType
  readonly help: string
  readonly samples: readonly MetricSample[]
}

export function gauge(name: string, help: string, value: number): MetricFamily {
  return { name, type: 'gauge', help, samples: [{ suffix: '', labels: {}, value }] }
}

/** One value for each label value; a family without a value is left out by the caller or printed with its type alone. */
export function labelled(
  type: 'gauge' | 'counter',
  name: string,
  help: string,
  label: string,
  values: Iterable<readonly [labelValue: string, value: number]>,
): MetricFamily {
  const samples = Array.from(values, ([text, value]) => ({ suffix: '', labels: { [label]: text }, value }) as const)
  return { name, type, help, samples }
}
