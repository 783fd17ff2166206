/**
 * Runs the checker of the chaos run on histories that are wrong on purpose: each must cause exactly the complaint about its fault.
 */
import { type Check, expectEqual, runChecks } from '../checks.ts'
import { type FinalState, type History, judge, judgeDigests } from './checker.ts'

const history: History = {
  values: [
    { value: 'a', outcome: 'acknowledged', path: '/a' },
    { value: 'b', outcome: 'unknown', path: '/b' },
    { value: 'c', outcome: 'refused', path: '/c' },
  ],
  counters: [
    { counter: '/n', outcome: 'acknowledged', version: 1 },
    { counter: '/n', outcome: 'acknowledged', version: 2 },
    { counter: '/n', outcome: 'unknown', version: -1 },
  ],
  staleReads: [],
}
const state: FinalState = {
  server: 'one',
  values: new Map([['/a', 'a']]),
  counterVersions: new Map([['/n', 3]]),
  ephemerals: [],
}

function complaints(brokenHistory: Partial<History>, ...broken: readonly Partial<FinalState>[]): readonly string[] {
  const states = broken.map((change) => ({ ...state, ...change }))
  return judge({ ...history, ...brokenHistory }, states)
    .filter((verdict) => verdict.violations.length > 0)
    .map((verdict) => verdict.title)
}

function check(title: string, found: () => readonly string[], wanted: readonly string[]): Check {
  return { title, run: async () => expectEqual(found(), wanted, 'complaints') }
}

function digestComplaints(...answers: readonly string[]): readonly string[] {
  return judgeDigests(new Map(answers.map((text, index) => [`server ${index + 1}`, text]))).violations
}

process.exit(
  await runChecks([
    check(
      'equal digests of the zxids that all servers remember cause no complaint',
      () => digestComplaints('80: 1-a\n100: 2-b\n', '100: 2-b\n180: 3-c\n', '80: 9-z\n100: 2-b\n'),
      [],
    ),
    check('a digest that differs is noticed', () => digestComplaints('80: 1-a\n100: 2-b', '80: 1-a\n100: 2-x'), [
      'zxid 100: server 2 differs from server 1',
    ]),
    check('servers without a common zxid are noticed', () => digestComplaints('80: 1-a', 'not serving'), [
      'the servers have no zxid in common',
    ]),
    check('a correct history causes no complaint', () => complaints({}, {}, { server: 'two' }), []),
    check(
      'a write with an unknown outcome may or may not be present',
      () =>
        complaints(
          {},
          {
            values: new Map([
              ['/a', 'a'],
              ['/b', 'b'],
            ]),
          },
        ),
      [],
    ),
    check('a lost write is noticed', () => complaints({}, { values: new Map() }), [
      'every acknowledged write is on every server',
    ]),
    check(
      'a refused write that took effect is noticed',
      () =>
        complaints(
          {},
          {
            values: new Map([
              ['/a', 'a'],
              ['/c', 'c'],
            ]),
          },
        ),
      ['no refused write took effect'],
    ),
    check(
      'a write applied twice is noticed',
      () =>
        complaints(
          {},
          {
            values: new Map([
              ['/a', 'a'],
              ['/a2', 'a'],
            ]),
          },
        ),
      ['no value was applied twice'],
    ),
    check('a counter that lost a write is noticed', () => complaints({}, { counterVersions: new Map([['/n', 1]]) }), [
      'counter versions lie between acknowledged and attempted writes',
    ]),
    check(
      'a counter written twice by one request is noticed',
      () => complaints({}, { counterVersions: new Map([['/n', 4]]) }),
      ['counter versions lie between acknowledged and attempted writes'],
    ),
    check(
      'a version acknowledged twice is noticed',
      () =>
        complaints(
          { counters: [...history.counters.slice(0, 1), ...history.counters.slice(0, 1)] },
          { counterVersions: new Map([['/n', 2]]) },
        ),
      ['no two acknowledged writes of a counter got the same version'],
    ),
    check(
      'servers that differ are noticed',
      () =>
        complaints(
          {},
          {},
          {
            server: 'two',
            values: new Map([
              ['/a', 'a'],
              ['/b', 'b'],
            ]),
          },
        ),
      ['all servers have the same data'],
    ),
    check(
      'a surviving ephemeral and a stale read are noticed',
      () => complaints({ staleReads: ['x'] }, { ephemerals: ['/e'] }),
      ['no client read a state older than one it had seen', 'no ephemeral outlived its session'],
    ),
  ]),
)
