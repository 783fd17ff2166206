/**
 * Words that must not be in any file. They are put together here from pieces, so that this file does not find itself.
 */
import type { ProjectFile, Violation } from './project-files.ts'

interface BannedText {
  readonly pattern: RegExp
  readonly why: string
}

const markers = ['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'HA' + 'CK']
const privateFolders = ['work', 'tmp/' + 'briefs', 'root']
const registryHosts = [
  ['registry', 'npmjs', 'org'],
  ['registry', 'yarnpkg', 'com'],
  ['pypi', 'org'],
  ['files', 'pythonhosted', 'org'],
  ['repo1?', 'maven', 'apache', 'org'],
  ['proxy', 'golang', 'org'],
  ['deb', 'debian', 'org'],
]

const bannedTexts: readonly BannedText[] = [
  { pattern: new RegExp(`\\b(${markers.join('|')})\\b`), why: 'what is left to do belongs in an issue, or is done' },
  {
    pattern: new RegExp(`(?<![\\w.*)}-])/(${privateFolders.join('|')})/\\w`),
    why: 'a folder of one machine means nothing on another',
  },
  {
    pattern: new RegExp(`\\b(${registryHosts.map((parts) => parts.join('\\.')).join('|')})\\b`),
    why: 'which registry is used is a setting of the machine',
  },
  { pattern: new RegExp('\\.\\./' + 'shared\\b'), why: 'it is outside the project' },
]

export function leftovers(files: readonly ProjectFile[]): readonly Violation[] {
  return files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) =>
      bannedTexts.flatMap(({ pattern, why }) => {
        const found = pattern.exec(line)
        return found === null ? [] : [`${path}:${index + 1} has "${found[0]}": ${why}`]
      }),
    ),
  )
}
