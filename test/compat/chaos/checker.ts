/**
 * Judges a chaos run: compares the answers that clients got with the data on the servers at the end. It is pure, so that a suite
 * can test it with histories that are wrong on purpose (checker-suite.ts): a checker that never complains proves nothing.
 * Each client writes a value at most once, so a value that is present twice was applied twice.
 */
export type Outcome = 'acknowledged' | 'refused' | 'unknown'

export interface ValueWrite {
  readonly value: string
  readonly outcome: Outcome
  readonly path: string // of an acknowledged write from the reply, otherwise from the request
}

export interface CounterWrite {
  readonly counter: string
  readonly outcome: Outcome
  readonly version: number // from the reply; -1 if the write was not acknowledged
}

export interface History {
  readonly values: readonly ValueWrite[]
  readonly counters: readonly CounterWrite[]
  readonly staleReads: readonly string[] // descriptions, found while running
}

export interface FinalState {
  readonly server: string
  readonly values: ReadonlyMap<string, string> // path → value
  readonly counterVersions: ReadonlyMap<string, number>
  readonly ephemerals: readonly string[]
}

export interface Verdict {
  readonly title: string
  readonly violations: readonly string[]
}

export function judge(history: History, states: readonly FinalState[]): readonly Verdict[] {
  const perServer = (judgeOne: (state: FinalState) => readonly string[]): readonly string[] =>
    states.flatMap((state) => judgeOne(state).map((violation) => `${state.server}: ${violation}`))
  return [
    {
      title: 'every acknowledged write is on every server',
      violations: perServer((state) => lostValues(history, state)),
    },
    { title: 'no refused write took effect', violations: perServer((state) => refusedValues(history, state)) },
    { title: 'no value was applied twice', violations: perServer(repeatedValues) },
    {
      title: 'counter versions lie between acknowledged and attempted writes',
      violations: perServer((state) => wrongVersions(history, state)),
    },
    { title: 'no two acknowledged writes of a counter got the same version', violations: sharedVersions(history) },
    { title: 'no client read a state older than one it had seen', violations: history.staleReads },
    { title: 'no ephemeral outlived its session', violations: perServer((state) => state.ephemerals) },
    { title: 'all servers have the same data', violations: differences(states) },
  ]
}

/**
 * Compares the answers of all servers to the word `hash`: lines `<zxid>: <digest>`, one for every 128th zxid. Servers that
 * started at different times remember different zxids, so those that all of them have are compared.
 */
export function judgeDigests(answers: ReadonlyMap<string, string>): Verdict {
  const perServer = [...answers].map(([server, text]) => ({ server, digests: digestsOf(text) }))
  const [first, ...rest] = perServer
  const common = [...(first?.digests.keys() ?? [])].filter((zxid) => rest.every(({ digests }) => digests.has(zxid)))
  const differing = common.flatMap((zxid) =>
    rest
      .filter(({ digests }) => digests.get(zxid) !== first?.digests.get(zxid))
      .map(({ server }) => `zxid ${zxid}: ${server} differs from ${first?.server}`),
  )
  const none = common.length === 0 ? ['the servers have no zxid in common'] : []
  return { title: 'all servers have the same digests', violations: [...none, ...differing] }
}

function digestsOf(text: string): ReadonlyMap<string, string> {
  return new Map([...text.matchAll(/^([0-9a-f]+): (\S+)$/gm)].map(([, zxid, digest]) => [zxid!, digest!]))
}

function lostValues(history: History, state: FinalState): readonly string[] {
  return history.values
    .filter((write) => write.outcome === 'acknowledged' && state.values.get(write.path) !== write.value)
    .map((write) => `${write.path} = ${write.value} is lost, found ${state.values.get(write.path)}`)
}

function refusedValues(history: History, state: FinalState): readonly string[] {
  const present = new Set(state.values.values())
  return history.values
    .filter((write) => write.outcome === 'refused' && present.has(write.value))
    .map((write) => write.value)
}

function repeatedValues(state: FinalState): readonly string[] {
  const pathOf = new Map<string, string>()
  const repeated: string[] = []
  for (const [path, value] of state.values) {
    const first = pathOf.get(value)
    if (first !== undefined) repeated.push(`${value} at ${first} and ${path}`)
    pathOf.set(value, path)
  }
  return repeated
}

function wrongVersions(history: History, state: FinalState): readonly string[] {
  const wrong: string[] = []
  for (const [counter, version] of state.counterVersions) {
    const writes = history.counters.filter((write) => write.counter === counter)
    const acknowledged = writes.filter((write) => write.outcome === 'acknowledged').length
    const unknown = writes.filter((write) => write.outcome === 'unknown').length
    const highest = Math.max(0, ...writes.map((write) => write.version))
    if (version < Math.max(acknowledged, highest) || version > acknowledged + unknown) {
      wrong.push(
        `${counter} has version ${version}: ${acknowledged} acknowledged, ${unknown} unknown, highest acknowledged ${highest}`,
      )
    }
  }
  return wrong
}

function sharedVersions(history: History): readonly string[] {
  const seen = new Set<string>()
  const shared: string[] = []
  for (const write of history.counters) {
    if (write.outcome !== 'acknowledged') continue
    const key = `${write.counter} version ${write.version}`
    if (seen.has(key)) shared.push(key)
    seen.add(key)
  }
  return shared
}

function differences(states: readonly FinalState[]): readonly string[] {
  const [first, ...rest] = states
  if (first === undefined) return ['no server was asked']
  const found: string[] = []
  for (const state of rest) {
    const paths = new Set([...first.values.keys(), ...state.values.keys()])
    for (const path of paths) {
      const [one, other] = [first.values.get(path), state.values.get(path)]
      if (one !== other) found.push(`${path}: ${one} on ${first.server}, ${other} on ${state.server}`)
    }
    for (const [counter, version] of first.counterVersions) {
      if (state.counterVersions.get(counter) !== version)
        found.push(`${counter}: versions differ on ${first.server} and ${state.server}`)
    }
  }
  return found
}
