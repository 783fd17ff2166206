/**
 * The form of a scenario file: comments, then a command, a line of dashes, and the output of the command up to an empty
 * line. `replayScenario` performs the commands and returns the file as it should be.
 */
import { ZabScript } from './zab-script.ts'

export function replayScenario(text: string): string {
  const script = new ZabScript()
  const lines: string[] = []
  let isOutput = false
  for (const line of text.split('\n')) {
    if (line === '----')
      isOutput = true // the recorded output is replaced by the new one
    else if (line === '') {
      isOutput = false
      if (lines.at(-1) !== '') lines.push('')
    } else if (line.startsWith('#')) {
      isOutput = false
      lines.push(line)
    } else if (!isOutput) {
      const trace = script.perform(line)
      lines.push(line)
      if (trace.length > 0) lines.push('----', ...trace)
    }
  }
  while (lines.at(-1) === '') lines.pop()
  return `${lines.join('\n')}\n`
}
