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

/** `fileNames`: what the sources are really called, as far as the caller knows. */
export function describeProblem(
  problem: ConfigProblem,
  fileNames: Readonly<Partial<Record<ConfigSource, string | null>>> = {},
): string {
  const source = fileNames[problem.source] ?? problem.source
  const place = problem.line === null ? source : `${source}:${problem.line}`
  const setting = problem.key === null ? '' : ` ${problem.key}${problem.value === null ? '' : `=${problem.value}`}:`
  const advice = problem.write === null ? '' : `; ${problem.write}`
  return `${place}:${setting} ${problem.wrong}${advice}`
}
