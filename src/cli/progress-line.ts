/** One line on a terminal that is replaced while a command works, and removed before the command prints its answer. */
import type { CliContext } from './cli-context.ts'

const clearLine = '\r\x1b[K'

export class ProgressLine {
  readonly #cli: Pick<CliContext, 'isInteractive' | 'writeError'>
  #shown = ''

  constructor(cli: Pick<CliContext, 'isInteractive' | 'writeError'>) {
    this.#cli = cli
  }

  show(text: string): void {
    if (!this.#cli.isInteractive || text === this.#shown) return
    this.#shown = text
    this.#cli.writeError(`${clearLine}${text}`)
  }

  clear(): void {
    if (this.#shown !== '') this.#cli.writeError(clearLine)
    this.#shown = ''
  }
}

const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']

/** With three digits at most after the first unit. */
export function sizeText(sizeBytes: number): string {
  let [size, unit] = [sizeBytes, 0]
  for (; size >= 1000 && unit < units.length - 1; unit += 1) size /= 1024
  return `${unit === 0 ? size : size.toFixed(size < 9.95 ? 1 : 0)} ${units[unit]}`
}
