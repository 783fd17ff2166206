/**
 * What is wrong with a configuration, in words that tell an operator where to look and what to write.
 * The same shape serves for warnings and notes; only problems stop a start.
 */
export type ConfigSource = 'zoo.cfg' | 'dynamic file' | 'myid'

export interface ConfigProblem {
  readonly source: ConfigSource
  readonly line: number | null // null: it is about something that is not there
  readonly key: string | null
  readonly value: string | null
  readonly wrong: string
  readonly write: string | null // null: there is nothing better to write
}

/** `warning`: probably not what was meant. `note`: ZooKeeper knows the key, here it changes nothing. */
export interface ConfigRemark extends ConfigProblem {
  readonly severity: 'warning' | 'note'
}

/** Of keys as they are written, right or not: what they hold may stand in no log (ssl.keyStore.password, superDigest). */
const secretKey = /pass(?:word|wd|phrase)|secret|super/i

/** The value as an operator may read it. */
export function shownValue(key: string, value: string): string {
  return secretKey.test(key) && value !== '' ? '…' : value
}

/** `fileNames`: what the sources are really called, as far as the caller knows. */
export function describeProblem(
  problem: ConfigProblem,
  fileNames: Readonly<Partial<Record<ConfigSource, string | null>>> = {},
): string {
  const source = fileNames[problem.source] ?? problem.source
  const place = problem.line === null ? source : `${source}:${problem.line}`
  const setting = problem.key === null ? '' : ` ${describeSetting(problem.key, problem.value)}:`
  const advice = problem.write === null ? '' : `; ${problem.write}`
  return `${place}:${setting} ${problem.wrong}${advice}`
}

function describeSetting(key: string, value: string | null): string {
  return value === null ? key : `${key}=${shownValue(key, value)}`
}
