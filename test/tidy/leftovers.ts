/**
 * Texts that no file may contain. They are put together from pieces, so that the check does not report this file.
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
  { pattern: new RegExp(`\\b(${markers.join('|')})\\b`), why: 'unfinished work is finished, or described in an issue' },
  {
    pattern: new RegExp(`(?<![\\w.*)}-])/(${privateFolders.join('|')})/\\w`),
    why: 'a folder of one machine means nothing on another',
  },
  {
    pattern: new RegExp(`\\b(${registryHosts.map((parts) => parts.join('\\.')).join('|')})\\b`),
    why: 'the machine decides which registry it uses',
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
