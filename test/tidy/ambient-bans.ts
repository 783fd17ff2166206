/**
 * Names that would make two runs of one seed differ, or hide an input. They are banned in src/ outside io and the entry
 * files; each row says what to use instead, and why. Pure folders must also not wait and not catch.
 */
import { catching } from './exceptions.ts'
import { layerOf, mayUseThePlatform } from './layers.ts'
import type { ModuleFacts } from './module-facts.ts'
import type { Violation } from './project-files.ts'

interface Ban {
  readonly name: string
  readonly instead: string
  readonly why: string
}

const clock = 'the stamp of the event, or the port Clock'
const timers = 'a tick, or the port Timers'
const random = 'a number passed in, or the port Random'

export const ambientBans: readonly Ban[] = [
  { name: 'Date.now', instead: clock, why: 'simulated time must be the only time' },
  { name: 'new Date()', instead: clock, why: 'simulated time must be the only time' },
  { name: 'performance', instead: clock, why: 'simulated time must be the only time' },
  { name: 'setTimeout', instead: timers, why: 'the simulator decides when something fires' },
  { name: 'setInterval', instead: timers, why: 'the simulator decides when something fires' },
  { name: 'setImmediate', instead: 'Timers.atTurnEnd', why: 'the simulator decides what one turn is' },
  { name: 'queueMicrotask', instead: 'Timers.atTurnEnd', why: 'the simulator decides what one turn is' },
  { name: 'Math.random', instead: random, why: 'a seed must replay to the byte' },
  { name: 'crypto', instead: 'the ports Random and Digest', why: 'a seed must replay to the byte' },
  { name: '.randomUUID', instead: random, why: 'a seed must replay to the byte' },
  { name: 'process', instead: 'a value in Config or a port', why: 'several servers share a process in the simulator' },
  { name: 'console', instead: 'the port Log', why: 'lines without fields cannot be searched or compared' },
  { name: 'fetch', instead: 'a port', why: 'the network is simulated' },
  { name: '.localeCompare', instead: '< and >', why: 'the order would depend on the language of the machine' },
  { name: '.allocUnsafe', instead: 'new Uint8Array', why: 'bytes of another request could leave with a reply' },
  { name: 'globalThis', instead: 'an argument', why: 'it hides every other ban' },
]

export function ambientUses(modules: readonly ModuleFacts[]): readonly Violation[] {
  return modules
    .filter(({ path }) => !mayUseThePlatform(path))
    .flatMap(({ path, names }) =>
      names.flatMap(({ name, line }) =>
        ambientBans
          .filter((ban) => ban.name === name)
          .map((ban) => `${path}:${line} uses ${ban.name}: use ${ban.instead}, because ${ban.why}`),
      ),
    )
}

/** A function that can be suspended is no longer one step, and a caught assertion is a bug that lives on. */
export function impureSteps(modules: readonly ModuleFacts[]): readonly Violation[] {
  return modules
    .filter(({ path }) => layerOf(path)?.isPure === true)
    .flatMap(({ path, asyncLines, catchLines, names }) => [
      ...asyncLines.map((line) => `${path}:${line} waits: a pure folder is synchronous`),
      ...names
        .filter(({ name }) => name === 'Promise')
        .map(({ line }) => `${path}:${line} uses Promise: a pure folder is synchronous`),
      ...(Object.hasOwn(catching, path) ? [] : catchLines).map(
        (line) => `${path}:${line} catches: in a pure folder only bugs throw, and the entry file must get them`,
      ),
    ])
}

/** Entries of exceptions.ts for files that no longer catch. */
export function needlessCatching(modules: readonly ModuleFacts[]): readonly Violation[] {
  const stillCatching = modules.filter(({ catchLines }) => catchLines.length > 0).map(({ path }) => path)
  return Object.keys(catching)
    .filter((path) => !stillCatching.includes(path))
    .map((path) => `${path}: its exception is no longer needed, remove it from test/tidy/exceptions.ts`)
}
