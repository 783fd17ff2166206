/** The little of Markdown that the checks need: links, headings, shell blocks, and blocks filled from code. */
import { posix } from 'node:path'
import type { ProjectFile, Violation } from './project-files.ts'

export interface ShownCommand {
  readonly text: string
  readonly place: string
}

/** Each line of a ```sh block is a command, without a prompt; comments and blank lines aside. */
export function shownCommands(documents: readonly ProjectFile[]): readonly ShownCommand[] {
  return documents.flatMap(({ path, text }) => {
    let isShell = false
    return text.split('\n').flatMap((line, index) => {
      if (line.trimStart().startsWith('```')) {
        isShell = /```(sh|bash|shell|console)\b/.test(line)
        return []
      }
      const command = line.replace(/(^|\s)#.*$/, '').trim()
      return isShell && command !== '' ? [{ text: command, place: `${path}:${index + 1}` }] : []
    })
  })
}

/**
 * Commands in other blocks, which a reader may type as well: lines that begin with a program of this package, npm or npx.
 * The text after two blanks is an explanation.
 */
export function mentionedCommands(documents: readonly ProjectFile[]): readonly ShownCommand[] {
  return documents.flatMap(({ path, text }) => {
    let isBlock = false
    return text.split('\n').flatMap((line, index) => {
      if (line.trimStart().startsWith('```')) {
        isBlock = /```text\b/.test(line)
        return []
      }
      const isCommand = isBlock && /^(npm|npx|node|zkts-server|zkts-cli|\.ci\/\S+) /.test(line)
      return isCommand ? [{ text: line.split(/ {2,}/)[0]!, place: `${path}:${index + 1}` }] : []
    })
  })
}

/** Relative links must lead to a file of the project, and to a heading of it if they name one. */
export function brokenLinks(documents: readonly ProjectFile[], files: readonly ProjectFile[]): readonly Violation[] {
  const textByPath = new Map(files.map(({ path, text }) => [path, text]))
  const folders = new Set(files.flatMap(({ path }) => foldersAbove(path)))
  return documents.flatMap(({ path, text }) =>
    relativeLinks(text).flatMap((link) => {
      const [file = '', heading] = link.split('#')
      const target = file === '' ? path : posix.join(posix.dirname(path), file).replace(/\/$/, '')
      const targetText = textByPath.get(target)
      if (targetText === undefined && !folders.has(target)) return [`${path} links to ${link}, which does not exist`]
      if (heading === undefined || (targetText !== undefined && anchorsOf(targetText).has(heading))) return []
      return [`${path} links to ${link}, but ${target} has no such heading`]
    }),
  )
}

function relativeLinks(text: string): readonly string[] {
  const prose = text.replace(/```[\s\S]*?```/g, '').replace(/`[^`\n]*`/g, '')
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!).filter((link) => !/^[a-z]+:/.test(link))
}

/** As the usual renderers make them: small letters, spaces as dashes, without other signs. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = [...text.matchAll(/^#+ +(.+)$/gm)].map((match) => match[1]!)
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replace(/ /g, '-'),
    ),
  )
}

function foldersAbove(path: string): readonly string[] {
  const parts = path.split('/').slice(0, -1)
  return parts.map((_part, index) => parts.slice(0, index + 1).join('/'))
}

/** What stands between `<!-- from code: name -->` and `<!-- end -->`; null if there is no such block. */
export function blockOf(text: string, name: string): string | null {
  return blockPattern(name).exec(text)?.[1] ?? null
}

export function withBlock(text: string, name: string, content: string): string {
  return text.replace(blockPattern(name), () => `${blockStart(name)}\n${content}\n<!-- end -->`)
}

function blockStart(name: string): string {
  return `<!-- from code: ${name} -->`
}

function blockPattern(name: string): RegExp {
  return new RegExp(`${blockStart(name)}\\n(?:([\\s\\S]*?)\\n)??<!-- end -->`)
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
