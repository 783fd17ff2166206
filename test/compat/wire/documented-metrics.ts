/**
 * The names in docs/reference/metrics.md, in code quotes: what mntr prints here, and what ZooKeeper prints beside that.
 * `*` and `<name>` stand for any text. They are held against what a live server of either kind prints, so that a metric of
 * ZooKeeper that is neither printed nor explained is noticed.
 */
import { readFileSync } from 'node:fs'

const missingHeading = '## Missing metrics of ZooKeeper'

export interface DocumentedMetrics {
  readonly printed: readonly string[]
  readonly missing: readonly string[]
}

export function documentedMetrics(): DocumentedMetrics {
  const page = readFileSync(new URL('../../../docs/reference/metrics.md', import.meta.url), 'utf8')
  const [printed, missing] = page.split(missingHeading)
  if (printed === undefined || missing === undefined) throw new Error(`metrics.md has no section "${missingHeading}"`)
  return { printed: namesIn(printed), missing: namesIn(missing) }
}

/** Those of the names, as mntr prints them, that are none of the documented ones. */
export function namesNotIn(documented: readonly string[], printed: Iterable<string>): readonly string[] {
  const patterns = documented.map(patternOf)
  return [...printed].filter((name) => !patterns.some((pattern) => pattern.test(name)))
}

/** The first cell of each row. */
function namesIn(text: string): readonly string[] {
  const cells = [...text.matchAll(/^\| (`.*?) \|/gm)].map(([, cell]) => cell!)
  const quotas = [...text.matchAll(/`(<name>_quota_\w+)`/g)].map(([, name]) => name!)
  return [...cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!)), ...quotas]
}

/** A summary has a part before its name, and a keyed metric a key between the two. */
function patternOf(name: string): RegExp {
  const key = /_per_(namespace|reason)$/.test(name) ? '(\\S+_)?' : name === 'ack_latency' ? '(\\d+_)?' : ''
  const text = name.replaceAll('<name>', '*').replaceAll('*', '\\S*')
  return new RegExp(`^(zk_)?((avg|min|max|cnt|sum|p50|p95|p99|p999)_)?${key}${text}$`)
}
