/**
 * Checks each entry by its key alone: unknown, without effect, refused, set twice. The code that uses
 * a key checks its value later.
 */
import { type ConfigProblem, type ConfigRemark, type ConfigSource, shownValue } from './config-problem.ts'
import { keys, traitsOfKey } from './keys.ts'
import { parseConfigText } from './properties-text.ts'
import { wholeNumber } from './server-line.ts'
import type { SourcedEntry } from './settings.ts'
import { nearestWord } from './suggest-key.ts'

export interface CheckedEntries {
  /** The last entry of each key, without server lines. */
  readonly byKey: ReadonlyMap<string, SourcedEntry>
  /** All server lines: a second line for one server is an error and no override. */
  readonly serverEntries: readonly SourcedEntry[]
  readonly problems: readonly ConfigProblem[]
  readonly remarks: readonly ConfigRemark[]
}

export function checkEntries(text: string, dynamicText: string | null): CheckedEntries {
  const problems: ConfigProblem[] = []
  const remarks: ConfigRemark[] = []
  const byKey = new Map<string, SourcedEntry>()
  const serverEntries: SourcedEntry[] = []
  const main = read('zoo.cfg', text, problems)
  const dynamic = dynamicText === null ? [] : read('dynamic file', dynamicText, problems)
  for (const entry of [...main, ...dynamic]) {
    const isServerLine = entry.key.startsWith('server.')
    if (entry.source === 'dynamic file' && !/^(server|group|weight)\./.test(entry.key)) {
      problems.push({ ...entry, wrong: 'a dynamic file has server lines only', write: 'move it to zoo.cfg' })
      continue
    }
    if (isServerLine && entry.source === 'zoo.cfg' && dynamicText !== null) {
      problems.push({
        ...entry,
        wrong: 'both zoo.cfg and the dynamic file have server lines',
        write: 'keep them in one of the two',
      })
      continue
    }
    judge(entry, problems, remarks)
    if (isServerLine) {
      serverEntries.push(entry)
      continue
    }
    const earlier = byKey.get(entry.key)
    if (earlier !== undefined) {
      remarks.push({
        ...entry,
        severity: 'warning',
        wrong: `it was set to "${shownValue(entry.key, earlier.value)}" on line ${earlier.line}; the later line wins`,
        write: 'remove one of the two',
      })
    }
    byKey.set(entry.key, entry)
  }
  if (byKey.has('dynamicConfigFile') && dynamicText === null) {
    const entry = byKey.get('dynamicConfigFile')!
    problems.push({
      ...entry,
      wrong: 'there is no such file',
      write: 'create it, or put the server lines into zoo.cfg',
    })
  }
  return { byKey, serverEntries, problems, remarks }
}

function read(source: ConfigSource, text: string, problems: ConfigProblem[]): readonly SourcedEntry[] {
  const { entries, malformed } = parseConfigText(text)
  for (const { line, text: value, wrong } of malformed) {
    problems.push({ source, line, key: null, value, wrong, write: 'write two backslashes for one' })
  }
  return entries.map((entry) => ({ ...entry, source }))
}

function judge(entry: SourcedEntry, problems: ConfigProblem[], remarks: ConfigRemark[]): void {
  const traits = traitsOfKey(entry.key)
  if (traits === null) {
    const nearest = nearestWord(entry.key, Object.keys(keys))
    remarks.push({
      ...entry,
      severity: 'warning',
      wrong: 'unknown key, it changes nothing',
      write: nearest === null ? null : `did you mean ${nearest}?`,
    })
    return
  }
  if (traits.support.kind === 'no-effect') {
    remarks.push({ ...entry, severity: 'note', wrong: `it has no effect here: ${traits.support.note}`, write: null })
    return
  }
  // A server line has a problem of its own.
  if (entry.value === '' && traits.unit !== 'text') {
    problems.push({ ...entry, wrong: 'there is no value', write: 'write one, or remove the line' })
    return
  }
  if (traits.support.kind === 'refused') {
    const { harmlessValues, reason } = traits.support
    if (harmlessValues.some((value) => isSame(value, entry.value))) return
    const keep =
      harmlessValues.length === 0 ? 'remove the line' : `write ${harmlessValues.join(' or ')}, or remove the line`
    problems.push({ ...entry, wrong: reason, write: keep })
  }
}

function isSame(a: string, b: string): boolean {
  const [first, second] = [wholeNumber(a), wholeNumber(b)]
  return first === null || second === null ? a.toLowerCase() === b.toLowerCase() : first === second
}
