/**
 * What the checks want to know of one TypeScript file, read from its syntax tree (the parser that vitest brings along).
 * Names inside comments and strings are not in the tree, so a comment may mention `Date.now`.
 */
import { posix } from 'node:path'
import { parseAst } from 'vitest/node'
import type { ProjectFile } from './project-files.ts'

export interface ImportFact {
  readonly specifier: string
  /** The file of the project that a relative specifier means; null for packages and `node:`. */
  readonly target: string | null
  readonly isReExport: boolean
  readonly line: number
}

export interface FunctionFact {
  readonly name: string
  readonly lineCount: number
  readonly line: number
  /** The name of the function that it is handed to, as in `describe('…', () => …)`; null if it is not an argument. */
  readonly passedTo: string | null
}

export interface NameFact {
  /** `Date.now`, `setTimeout`, `new Date()`; `x.localeCompare` as `.localeCompare`. */
  readonly name: string
  readonly line: number
}

export interface CallFact {
  /** `it`, `describe.each`, `test.only`. */
  readonly callee: string
  /** The first argument if it is plain text. */
  readonly title: string | null
  readonly line: number
}

export interface ModuleFacts {
  readonly path: string
  readonly lineCount: number
  readonly imports: readonly ImportFact[]
  readonly hasDefaultExport: boolean
  /** It exports, but nothing of its own. */
  readonly isBarrel: boolean
  readonly functions: readonly FunctionFact[]
  /** Names of the outside that are used: globals, and members whatever they are taken from. */
  readonly names: readonly NameFact[]
  readonly calls: readonly CallFact[]
  /** Lines with `await` or `async`. */
  readonly asyncLines: readonly number[]
  readonly catchLines: readonly number[]
}

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

const cache = new Map<string, ModuleFacts>()

export function factsOf(file: ProjectFile): ModuleFacts {
  const key = `${file.path}\n${file.text}`
  const known = cache.get(key)
  if (known !== undefined) return known
  const facts = readFacts(file)
  cache.set(key, facts)
  return facts
}

function readFacts({ path, text }: ProjectFile): ModuleFacts {
  const program = parseAst(text, { lang: 'ts' }) as unknown as Node
  const body = program['body'] as readonly Node[]
  const found = { imports: [], functions: [], names: [], calls: [], asyncLines: [], catchLines: [] } as Found
  visit(program, null, { path, lineAt: lineFinder(text) }, found)
  const exports = body.filter(({ type }) => type.startsWith('Export'))
  return {
    path,
    lineCount: text.split('\n').length - 1,
    ...found,
    hasDefaultExport: exports.some(({ type }) => type === 'ExportDefaultDeclaration'),
    isBarrel: exports.length > 0 && exports.every((node) => node['source'] != null),
  }
}

interface Found {
  readonly imports: ImportFact[]
  readonly functions: FunctionFact[]
  readonly names: NameFact[]
  readonly calls: CallFact[]
  readonly asyncLines: number[]
  readonly catchLines: number[]
}

interface Place {
  readonly path: string
  readonly lineAt: (offset: number) => number
}

/** Line numbers by offset, without scanning the text for each. */
function lineFinder(text: string): (offset: number) => number {
  const starts = [0]
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return (offset) => {
    let [low, high] = [0, starts.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (starts[middle]! <= offset) low = middle + 1
      else high = middle
    }
    return low
  }
}

function visit(node: Node, parent: Node | null, place: Place, found: Found): void {
  note(node, parent, place, found)
  for (const [key, value] of Object.entries(node)) {
    if (key === 'parent') continue
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) visit(child, node, place, found)
  }
}

function note(node: Node, parent: Node | null, place: Place, found: Found): void {
  const line = (): number => place.lineAt(node.start)
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
    case 'ImportExpression':
    case 'TSImportType':
      return noteImport(node, place, found)
    case 'FunctionDeclaration':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
      if (node['async'] === true) found.asyncLines.push(line())
      found.functions.push(functionFact(node, parent, place))
      return
    case 'AwaitExpression':
      found.asyncLines.push(line())
      return
    case 'CatchClause':
      found.catchLines.push(line())
      return
    case 'NewExpression':
      if (calleeText(node) === 'Date' && (node['arguments'] as readonly Node[]).length === 0) {
        found.names.push({ name: 'new Date()', line: line() })
      }
      return
    case 'CallExpression':
      noteCall(node, place, found)
      return
    case 'MemberExpression':
      noteMember(node, place, found)
      return
    case 'Identifier':
      if (isUse(node, parent)) found.names.push({ name: String(node['name']), line: line() })
  }
}

function noteImport(node: Node, place: Place, found: Found): void {
  const source = node['source']
  if (!isNode(source) || typeof source['value'] !== 'string') return
  const specifier = source['value']
  const target = specifier.startsWith('.') ? posix.join(posix.dirname(place.path), specifier) : null
  found.imports.push({
    specifier,
    target,
    isReExport: node.type.startsWith('Export'),
    line: place.lineAt(node.start),
  })
}

function functionFact(node: Node, parent: Node | null, { lineAt }: Place): FunctionFact {
  const line = lineAt(node.start)
  return {
    name: nameOfFunction(node, parent),
    lineCount: lineAt(node.end) - line + 1,
    line,
    passedTo: parent?.type === 'CallExpression' && parent['callee'] !== node ? calleeText(parent) : null,
  }
}

function nameOfFunction(node: Node, parent: Node | null): string {
  for (const candidate of [node['id'], parent?.['key'], parent?.['id']]) {
    if (isNode(candidate) && typeof candidate['name'] === 'string') return candidate['name']
  }
  return parent?.type === 'CallExpression' ? `callback of ${calleeText(parent)}` : 'a function without a name'
}

function noteCall(node: Node, { lineAt }: Place, found: Found): void {
  const [first] = node['arguments'] as readonly Node[]
  found.calls.push({ callee: calleeText(node), title: plainText(first), line: lineAt(node.start) })
}

function plainText(node: Node | undefined): string | null {
  if (node?.type === 'Literal' && typeof node['value'] === 'string') return node['value']
  if (node?.type !== 'TemplateLiteral') return null
  const quasis = node['quasis'] as readonly { readonly value: { readonly cooked: string } }[]
  return quasis.map(({ value }) => value.cooked).join('…')
}

/** `it.each(rows)('…')` is called by its root, `it.each`. */
function calleeText(call: Node): string {
  const callee = call['callee']
  if (!isNode(callee)) return ''
  return callee.type === 'CallExpression' ? calleeText(callee) : dotted(callee)
}

function dotted(node: Node): string {
  if (node.type === 'Identifier') return String(node['name'])
  const { object, property } = node as { readonly object?: unknown; readonly property?: unknown }
  if (node.type !== 'MemberExpression' || !isNode(object) || !isNode(property)) return ''
  return `${dotted(object)}.${String(property['name'] ?? '')}`
}

function noteMember(node: Node, { lineAt }: Place, found: Found): void {
  const { object, property } = node as { readonly object?: unknown; readonly property?: unknown }
  if (!isNode(object) || !isNode(property) || property.type !== 'Identifier') return
  const line = lineAt(property.start)
  const name = String(property['name'])
  found.names.push({ name: `.${name}`, line })
  if (object.type === 'Identifier') found.names.push({ name: `${String(object['name'])}.${name}`, line })
}

/** Not a key, a parameter of a type or the right side of a dot. */
function isUse(node: Node, parent: Node | null): boolean {
  if (parent === null || /^(TS|Import|Export)/.test(parent.type)) return false
  if (parent.type === 'MemberExpression') return parent['object'] === node
  if (parent['key'] === node) return parent['shorthand'] === true
  return true
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'
}
