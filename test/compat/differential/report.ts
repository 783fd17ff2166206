/** Prints a difference: the steps that lead to it, and both answers side by side. */
import { describeCall, describeStep, type Step } from './calls.ts'
import type { Unexplained } from './compare.ts'
import { type Decoded, fieldText } from './decode-frame.ts'

const fieldsShownMax = 8

export function describeSteps(steps: readonly Step[]): string {
  return steps.map((step, index) => `  ${index + 1}. ${describeStep(step)}`).join('\n')
}

export function describeUnexplained({ slot, difference, frames }: Unexplained): string {
  const lines = [`  on connection ${slot}:`]
  if (difference.call !== null) lines.push(`    asked   ${describeCall(difference.call)}`)
  if (difference.kind === 'closing') lines.push(`    only ${nameOf(difference.closedBy)} closed the connection`)
  else if (difference.kind === 'silence') lines.push(`    only ${nameOf(difference.silent)} did not answer`)
  else {
    lines.push(`    theirs  ${frameText(difference.theirs)}`, `    ours    ${frameText(difference.ours)}`)
    for (const { theirs, ours, wrong } of difference.fields.slice(0, fieldsShownMax)) {
      const [their, our] = [theirs === null ? '–' : fieldText(theirs), ours === null ? '–' : fieldText(ours)]
      lines.push(`      ${their} | ${our}: ${wrong}`)
    }
    if (difference.theirs === null || difference.ours === null || difference.theirs.kind !== difference.ours.kind) {
      lines.push('    all of theirs:', ...frames.theirs.map((frame) => `      ${frameText(frame)}`))
      lines.push('    all of ours:', ...frames.ours.map((frame) => `      ${frameText(frame)}`))
    }
  }
  return lines.join('\n')
}

function nameOf(side: 'theirs' | 'ours'): string {
  return side === 'theirs' ? 'Apache ZooKeeper' : 'zkts'
}

function frameText(frame: Decoded | null): string {
  return frame === null ? 'nothing' : `${frame.kind} ${frame.fields.map(fieldText).join(' ')}`
}
