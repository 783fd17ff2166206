/**
 * The release lines of Node.js that zkts supports: every line that is still maintained, and 20.
 * Tests compare README, CONTRIBUTING, package.json, .ci/run and the workflow with this list.
 */
export interface NodeLine {
  readonly major: number
  /** The first release of the line that has everything zkts uses. */
  readonly from: string
}

export const nodeLines: readonly NodeLine[] = [
  { major: 20, from: '20.19.0' },
  { major: 22, from: '22.12.0' },
  { major: 24, from: '24.0.0' },
  { major: 26, from: '26.0.0' },
]

/** .ci/run repeats the unit tests on it. */
export const newestLtsLine = 26

/** For `engines`. It accepts later lines, so that npm does not refuse a new line before it was tested. */
export const enginesRange = '^20.19.0 || ^22.12.0 || >=24.0.0'
