/**
 * Files and functions against the lengths of exceptions.ts. A group of tests is not a function in this sense:
 * neither the callback of `describe` nor a function named `…Contract`, the suite that both twins of a port pass.
 */
import {
  fileLinesMax,
  fileLinesWarned,
  functionLinesMax,
  type LengthException,
  longFiles,
  longFunctions,
} from './exceptions.ts'
import type { ModuleFacts } from './module-facts.ts'
import type { Violation } from './project-files.ts'

interface Length {
  readonly subject: string
  readonly lineCount: number
}

export function tooLongFiles(
  modules: readonly ModuleFacts[],
  granted: readonly LengthException[] = longFiles,
): readonly Violation[] {
  const lengths = modules.map(({ path, lineCount }) => ({ subject: path, lineCount }))
  return judge(lengths, fileLinesMax, granted)
}

export function tooLongFunctions(
  modules: readonly ModuleFacts[],
  granted: readonly LengthException[] = longFunctions,
): readonly Violation[] {
  const lengths = modules.flatMap(({ path, functions }) =>
    functions
      .filter(({ name, passedTo }) => !/^describe\b/.test(passedTo ?? '') && !/^\w+Contract$/.test(name))
      .map(({ name, lineCount }) => ({ subject: `${path}: ${name}`, lineCount })),
  )
  return judge(lengths, functionLinesMax, granted)
}

/** Above the warning and below the limit: to be split before they grow further. */
export function longishFiles(modules: readonly ModuleFacts[]): readonly string[] {
  return modules
    .filter(({ lineCount }) => lineCount > fileLinesWarned)
    .map(({ path, lineCount }) => `${path} (${lineCount} lines)`)
}

function judge(
  lengths: readonly Length[],
  linesMax: number,
  granted: readonly LengthException[],
): readonly Violation[] {
  const long = lengths.filter(({ lineCount }) => lineCount > linesMax)
  const tooLong = long.flatMap(({ subject, lineCount }) => {
    const limit = granted.find((exception) => exception.subject === subject)?.linesMax ?? linesMax
    return lineCount > limit ? [`${subject} has ${lineCount} lines, above ${limit}: split it`] : []
  })
  const needless = granted
    .filter(({ subject }) => !long.some((length) => length.subject === subject))
    .map(({ subject }) => `${subject}: its exception is no longer needed, remove it from test/tidy/exceptions.ts`)
  return [...tooLong, ...needless]
}
