/**
 * Exports of src/ that no file uses. A value that no other file imports needs no `export`, or is dead. A type may stay if its
 * own file uses it, since it names what the functions of that file take and return. An export that only tests import, and
 * that its own file does not use, is code that no server runs: it needs a reason below.
 */
import { posix } from 'node:path'
import { parseAst } from 'vitest/node'
import { entryFiles } from './layers.ts'
import type { ProjectFile, Violation } from './project-files.ts'

interface Node {
  readonly type: string
  readonly [key: string]: unknown
}

export interface TestOnlyExport {
  /** `file: name`. */
  readonly subject: string
  readonly reason: string
}

export const testOnlyExports: readonly TestOnlyExport[] = [
  {
    subject: 'src/auth/access-rules.ts: defaultAccess',
    reason: 'the rules of a server without settings, which most tests of ACLs and writes start from',
  },
  {
    subject: 'src/connection/connection-input.ts: describeConnectionInput',
    reason: 'the one renderer of what clients send: the recorded scenarios are its text',
  },
  {
    subject: 'src/protocol/client/describe.ts: describeReply',
    reason: 'the one renderer of what servers answer: the recorded scenarios are its text',
  },
  {
    subject: 'src/protocol/client/watch-event.ts: describeWatchEvent',
    reason: 'the one renderer of watch events, beside that of replies',
  },
  {
    subject: 'src/protocol/client/keeper-reads.ts: writeKeeperMultiRead',
    reason: 'the request as clients of ClickHouse Keeper write it, beside the reader that has to understand it',
  },
  {
    subject: 'src/protocol/client/replies.ts: CreateReply',
    reason: 'reached through the namespace import of operations.ts, which lists every reply',
  },
]

export function unusedExports(
  sources: readonly ProjectFile[],
  tests: readonly ProjectFile[],
  granted: readonly TestOnlyExport[] = testOnlyExports,
): readonly Violation[] {
  const inSource = new Set(sources.flatMap(namesTaken))
  const inTests = new Set(tests.flatMap(namesTaken))
  const entryPoints: readonly string[] = entryFiles
  const found = sources
    .filter(({ path }) => !entryPoints.includes(path))
    .flatMap((file) => exportsOf(file).map((each) => ({ ...each, subject: `${file.path}: ${each.name}`, file })))
    .filter(({ file, name }) => !inSource.has(`${file.path} ${name}`))
    .map(({ file, name, isType, subject }) => {
      const isUsedInItsFile = usesOf(file.text, name) > 1
      if (inTests.has(`${file.path} ${name}`)) return isUsedInItsFile ? null : { subject, problem: 'only tests use it' }
      return isType && isUsedInItsFile ? null : { subject, problem: 'no other file imports it' }
    })
    .filter((each) => each !== null)
  const reasons = new Map(granted.map(({ subject, reason }) => [subject, reason]))
  const subjects = new Set(found.map(({ subject }) => subject))
  return [
    ...found.filter(({ subject }) => !reasons.has(subject)).map(({ subject, problem }) => `${subject}: ${problem}`),
    ...granted.filter(({ subject }) => !subjects.has(subject)).map(({ subject }) => `${subject}: needs no exception`),
  ]
}

function usesOf(text: string, name: string): number {
  return text.match(new RegExp(`(?<![\\w$])${name.replaceAll('$', '\\$')}(?![\\w$])`, 'g'))?.length ?? 0
}

function bodyOf({ text }: ProjectFile): readonly Node[] {
  return (parseAst(text, { lang: 'ts' }) as unknown as { readonly body: readonly Node[] }).body
}

interface ExportFact {
  readonly name: string
  readonly isType: boolean
}

/** Each name once; one that is both a value and a type is a value. */
function exportsOf(file: ProjectFile): readonly ExportFact[] {
  const isTypeByName = new Map<string, boolean>()
  for (const node of bodyOf(file)) {
    if (node.type !== 'ExportNamedDeclaration' || node['source'] != null) continue
    const declaration = node['declaration'] as Node | null
    const isType = declaration !== null && /^TS(Interface|TypeAlias)Declaration$/.test(declaration.type)
    for (const name of declaration === null ? namesIn(node['specifiers'], 'exported') : namesDeclared(declaration)) {
      isTypeByName.set(name, isType && (isTypeByName.get(name) ?? true))
    }
  }
  return [...isTypeByName].map(([name, isType]) => ({ name, isType }))
}

function namesDeclared(declaration: Node): readonly string[] {
  const declarations = declaration['declarations'] as readonly Node[] | undefined
  return declarations === undefined ? [nameOf(declaration['id'])] : declarations.map(({ id }) => nameOf(id))
}

/** `path name` of each import and re-export. A name that is both a value and a type counts once. */
function namesTaken(file: ProjectFile): readonly string[] {
  return bodyOf(file).flatMap((node) => {
    const source = node['source'] as { readonly value: string } | null | undefined
    if (source == null || !source.value.startsWith('.')) return []
    const target = posix.join(posix.dirname(file.path), source.value)
    const names = namesIn(node['specifiers'], node.type === 'ImportDeclaration' ? 'imported' : 'local')
    return names.map((name) => `${target} ${name}`)
  })
}

function namesIn(specifiers: unknown, side: 'imported' | 'exported' | 'local'): readonly string[] {
  return ((specifiers ?? []) as readonly Node[]).flatMap((specifier) =>
    specifier[side] == null ? [] : [nameOf(specifier[side])],
  )
}

function nameOf(node: unknown): string {
  return (node as { readonly name: string }).name
}
