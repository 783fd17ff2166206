/** Every import of src/ against layers.ts. Each violation says the file, the import, the rule and its reason. */
import { entryFiles, type Layer, layerOf, layers, mayUseThePlatform, rooms } from './layers.ts'
import type { ImportFact, ModuleFacts } from './module-facts.ts'
import type { Violation } from './project-files.ts'

export function importsAgainstTheTable(modules: readonly ModuleFacts[]): readonly Violation[] {
  return modules.flatMap((module) => {
    const layer = layerOf(module.path)
    if (layer === null) return [`${module.path}: its folder has no row in test/tidy/layers.ts`]
    return module.imports.flatMap((fact) => judge(module.path, layer, fact))
  })
}

function judge(path: string, layer: Layer, fact: ImportFact): readonly Violation[] {
  const complain = (wrong: string): readonly Violation[] => [`${path}:${fact.line} imports ${fact.specifier}: ${wrong}`]
  if (fact.specifier.startsWith('node:')) {
    return mayUseThePlatform(path)
      ? []
      : complain('only src/io and the entry files may use node:*; take a port instead')
  }
  if (fact.target === null) {
    const name = packageOf(fact.specifier)
    return layer.packages.includes(name) ? [] : complain(`${layer.name} may not use the package ${name}`)
  }
  const target = layerOf(fact.target)
  if (target === null) return complain('it is not in a layer of src/')
  if (target.name === layer.name || layer.mayImport.includes(target.name)) return []
  return complain(`${layer.name} may import ${listOf(layer.mayImport)}, not ${target.name}: ${layer.reason}`)
}

function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}

function listOf(names: readonly string[]): string {
  return names.length === 0 ? 'nothing' : names.join(', ')
}

/** The table may only point upwards in its own order: then folders cannot form a cycle. */
export function tableOutOfOrder(table: readonly Layer[]): readonly Violation[] {
  return table.flatMap((layer, row) =>
    layer.mayImport
      .filter((name) => !table.slice(0, row).some((above) => above.name === name))
      .map((name) => `${layer.name} may import ${name}, which has no row above it`),
  )
}

/** Cycles of files that import each other: such files can only be understood together. */
export function importCycles(modules: readonly ModuleFacts[]): readonly Violation[] {
  const targetsOf = new Map(modules.map(({ path, imports }) => [path, imports.flatMap(({ target }) => target ?? [])]))
  const finished = new Set<string>()
  const cycles: Violation[] = []
  const walk = (path: string, trail: readonly string[]): void => {
    if (finished.has(path)) return
    const at = trail.indexOf(path)
    if (at !== -1) {
      cycles.push([...trail.slice(at), path].join(' → '))
      return
    }
    for (const target of targetsOf.get(path) ?? []) walk(target, [...trail, path])
    finished.add(path)
  }
  for (const { path } of modules) walk(path, [])
  return cycles
}

/** Files that no other file of src/ imports, and missing ones that are imported. */
export function looseEnds(modules: readonly ModuleFacts[]): readonly Violation[] {
  const paths = new Set(modules.map(({ path }) => path))
  const imported = new Set(modules.flatMap(({ imports }) => imports.flatMap(({ target }) => target ?? [])))
  const isEntry = (path: string): boolean => (entryFiles as readonly string[]).includes(path)
  return [
    ...[...paths].filter((path) => !imported.has(path) && !isEntry(path)).map((path) => `${path}: no file imports it`),
    ...[...imported].filter((path) => !paths.has(path)).map((path) => `${path}: imported, but missing`),
    ...entryFiles.filter((path) => !paths.has(path)).map((path) => `${path}: an entry file that is missing`),
  ]
}

/** Layers that have a row and no file. */
export function emptyLayers(modules: readonly ModuleFacts[]): readonly Violation[] {
  return layers
    .filter((layer) => !modules.some(({ path }) => layerOf(path) === layer))
    .map(({ name }) => `${name}: has a row in test/tidy/layers.ts and no file`)
}

/** Folders below a layer without a row in the table of rooms, and rows without a folder. */
export function unlistedRooms(modules: readonly ModuleFacts[]): readonly Violation[] {
  const folders = new Set(
    modules.map(({ path }) => path.split('/').slice(1, -1).join('/')).filter((folder) => folder.includes('/')),
  )
  const listed = new Set(rooms.map(({ name }) => name))
  return [
    ...[...folders].filter((folder) => !listed.has(folder)).map((folder) => `src/${folder}: has no row in the rooms`),
    ...[...listed].filter((name) => !folders.has(name)).map((name) => `${name}: has a row in the rooms and no folder`),
  ]
}
