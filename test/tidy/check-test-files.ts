/** What holds for every test: its title is unique and says what happens, it is not switched off, and it does not wait. */
import type { CallFact, ModuleFacts } from './module-facts.ts'
import type { Violation } from './project-files.ts'

/** Real time and real sockets live here, and nowhere else. */
const realTimeFolders = ['test/compat/', 'test/bench/', 'test/contract/', 'test/io/', 'test/readme/']

/** Not setImmediate: it lets pending promises run, which takes no time. */
const sleeps = ['setTimeout', 'setInterval', 'sleep', 'Date.now', 'performance']

export function repeatedTitles(modules: readonly ModuleFacts[]): readonly Violation[] {
  const firstPlace = new Map<string, string>()
  return testsOf(modules).flatMap(({ place, title }) => {
    const earlier = firstPlace.get(title)
    if (earlier === undefined) firstPlace.set(title, place)
    return earlier === undefined ? [] : [`${place}: the title "${title}" is taken by ${earlier}`]
  })
}

/** A title is a sentence about what happens: some words, a small letter first unless it is a name. */
export function poorTitles(modules: readonly ModuleFacts[]): readonly Violation[] {
  return testsOf(modules)
    .filter(({ title }) => title.trim().split(/\s+/).length < 3 || /^(should|test|it)\b/i.test(title))
    .map(({ place, title }) => `${place}: the title "${title}" does not say what happens, and when`)
}

export function switchedOffTests(modules: readonly ModuleFacts[]): readonly Violation[] {
  return modules.flatMap(({ path, calls }) =>
    calls
      .filter(({ callee }) => /^(it|test|describe|suite)\b.*\.(only|skip|skipIf|todo|fails)$/.test(callee))
      .map(({ callee, line }) => `${path}:${line} has ${callee}: a test runs or is deleted`),
  )
}

export function waitingTests(modules: readonly ModuleFacts[]): readonly Violation[] {
  return modules
    .filter(({ path }) => !realTimeFolders.some((folder) => path.startsWith(folder)))
    .flatMap(({ path, names, imports }) => [
      ...names
        .filter(({ name }) => sleeps.includes(name))
        .map(({ name, line }) => `${path}:${line} uses ${name}: outside ${realTimeFolders.join(', ')} time is virtual`),
      ...imports
        .filter(({ specifier }) => /^node:timers/.test(specifier))
        .map(({ specifier, line }) => `${path}:${line} imports ${specifier}: time is virtual here`),
    ])
}

interface TitledTest {
  readonly place: string
  readonly title: string
}

function testsOf(modules: readonly ModuleFacts[]): readonly TitledTest[] {
  return modules.flatMap(({ path, calls }) =>
    calls.filter(isTest).flatMap(({ title, line }) => {
      const isPutTogether = title === null || !/\w/.test(title.replace(/%\w|\$[\w.]+/g, ''))
      return isPutTogether ? [] : [{ place: `${path}:${line}`, title }]
    }),
  )
}

function isTest({ callee }: CallFact): boolean {
  return /^(it|test)(\.|$)/.test(callee)
}
