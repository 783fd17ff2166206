/**
 * A problem of a configuration, in words that say where it is, what is wrong and what to write.
 * The same shape serves for warnings and notes; only problems stop a start.
 */
export type ConfigSource = (typeof configSources)[number]

/** In the order in which their problems are listed. */
const configSources = ['zoo.cfg', 'dynamic file', 'myid'] as const

export interface ConfigProblem {
  readonly source: ConfigSource
  readonly line: number | null // null: it is about a missing line or file
  readonly key: string | null
  readonly value: string | null
  readonly wrong: string
  readonly write: string | null // null: no advice
}

/** `warning`: probably a mistake. `note`: ZooKeeper knows the key, and it has no effect in zkts. */
export interface ConfigRemark extends ConfigProblem {
  readonly severity: 'warning' | 'note'
}

/** As an operator reads the files, from top to bottom; what is missing in a file comes after its lines. */
export function inFileOrder<T extends ConfigProblem>(problems: readonly T[]): readonly T[] {
  const rank = ({ source }: T): number => configSources.indexOf(source)
  const lineOf = ({ line }: T): number => line ?? Number.MAX_SAFE_INTEGER
  return [...problems].sort((a, b) => rank(a) - rank(b) || lineOf(a) - lineOf(b))
}

/** Matches keys, known or not, whose values must not be logged (ssl.keyStore.password, superDigest). */
const secretKey = /pass(?:word|wd|phrase)|secret|super/i

/** The value as an operator may read it. */
export function shownValue(key: string, value: string): string {
  return secretKey.test(key) && value !== '' ? '…' : value
}

/** `fileNames`: the real names of the sources, as far as the caller knows them. */
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
