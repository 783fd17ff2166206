/**
 * Crashes the script at every disk call: the server that makes the call, or all servers, lose power, with unsynced data
 * kept, dropped or torn. The script is played once without a crash first. That shows that it brings about what it is for,
 * gives each act the disks that it begins with, and tells which crashes differ. These are played:
 * - Between two calls of a server that has changed nothing on its disk and has sent nothing, a crash of it leaves the same.
 * - Between two calls during which no disk has changed and the client has neither sent nor learned anything, a crash of
 *   all servers leaves the same: only the disks and the client go on.
 * - If all data is synced, nothing is kept, dropped or torn.
 */
import type { ServerId } from '../../src/base/ids.ts'
import type { CrashMode } from '../simulator/sim-disk.ts'
import { SimRandom } from '../simulator/sim-random.ts'
import { type Act, acts } from './acts.ts'
import { firstScene, type Played, playAct, type Scene } from './play-act.ts'
import { type DiskCall, type Disks, ids } from './sweep-ensemble.ts'

export interface PreparedScript {
  readonly acts: readonly { readonly act: Act; readonly scene: Scene }[]
  readonly writeCount: number
  readonly callCount: number
  /** Those that differ, in the order of the script. */
  readonly crashes: readonly PlannedCrash[]
}

/** What loses power. */
export const crashScopes = ['one', 'all'] as const
export type CrashScope = (typeof crashScopes)[number]
export const crashModes = ['keep-all', 'drop-all', 'torn'] as const satisfies readonly CrashMode[]

export interface PlannedCrash {
  readonly act: number // from 1
  readonly victim: ServerId // makes the call
  readonly call: number
  readonly scope: CrashScope
  readonly mode: CrashMode
}

/** Throws if the script goes wrong without a crash, or does not bring about what it is for. */
export async function prepareScript(): Promise<PreparedScript> {
  let scene = firstScene()
  let callCount = 0
  const prepared: PreparedScript['acts'][number][] = []
  const crashes: PlannedCrash[] = []
  for (const [index, act] of acts.entries()) {
    const planner = new CrashPlanner(index + 1)
    const played = await playAct(act, scene, { onCall: (call, now) => planner.note(call, now()) })
    checkAct(act, played)
    prepared.push({ act, scene })
    crashes.push(...planner.crashes)
    callCount += planner.callCount
    scene = played.next
  }
  return { acts: prepared, writeCount: scene.client.writeCount, callCount, crashes }
}

function checkAct({ name, brings, spares = [] }: Act, { counts, violations }: Played): void {
  const [violation] = violations
  if (violation !== undefined) throw new Error(`act "${name}" fails without a crash: ${violation}`)
  const missing = brings.filter((event) => !counts.has(event))
  if (missing.length > 0) throw new Error(`act "${name}" does not bring about ${missing.join(', ')}`)
  const superfluous = spares.filter((event) => counts.has(event))
  if (superfluous.length > 0) throw new Error(`act "${name}" brings about ${superfluous.join(', ')}`)
}

/** Finds the crashes of one act that differ. */
class CrashPlanner {
  readonly crashes: PlannedCrash[] = []
  callCount = 0
  readonly #act: number
  readonly #lastOfOne = new Map<ServerId, string>()
  #lastOfAll = ''

  constructor(act: number) {
    this.#act = act
  }

  note(call: DiskCall, scene: Scene): void {
    this.callCount += 1
    const { victim } = call
    const ofOne = `${call.changeCount} ${call.sentCount}`
    if (this.#lastOfOne.get(victim) !== ofOne) this.#add('one', call, [scene.disks.get(victim)!])
    this.#lastOfOne.set(victim, ofOne)
    const disks = [...scene.disks.values()]
    const { writeCount, sentCount } = scene.client
    const ofAll = [...disks.map((disk) => disk.changeCount), writeCount, sentCount].join(' ')
    if (this.#lastOfAll !== ofAll) this.#add('all', call, disks)
    this.#lastOfAll = ofAll
  }

  #add(
    scope: CrashScope,
    { victim, call }: { readonly victim: ServerId; readonly call: number },
    disks: readonly { readonly hasUnflushed: boolean }[],
  ): void {
    const modes = disks.some((disk) => disk.hasUnflushed) ? crashModes : (['drop-all'] as const)
    for (const mode of modes) this.crashes.push({ act: this.#act, victim, call, scope, mode })
  }
}

/** Null: all went well; otherwise what went wrong, with the command that plays it again. */
export type CrashVerdict = string | null

/** Crashes whose disks are in memory at once. */
const imagesAtOnceMax = 40
/** In one of this number of crashes all servers lose power once more at the end. */
const powerLossInterval = 4

/** Plays the crashes in any order, and reports each of them. */
export async function playCrashes(
  script: PreparedScript,
  crashes: readonly PlannedCrash[],
  report: (verdict: CrashVerdict) => void | Promise<void>,
  trace: ((line: string) => void) | null = null,
): Promise<void> {
  for (const crash of crashes.filter(({ scope }) => scope === 'one')) {
    const { act, scene } = script.acts[crash.act - 1]!
    const played = await playAct(act, scene, { crash, trace, losesPowerAtEnd: crash.call % powerLossInterval === 0 })
    await report(verdictOf(script, crash, played))
  }
  for (const number of script.acts.keys()) {
    const ofAct = crashes.filter(({ scope, act }) => scope === 'all' && act === number + 1)
    for (let start = 0; start < ofAct.length; start += imagesAtOnceMax) {
      await playFromImages(script, ofAct.slice(start, start + imagesAtOnceMax), report, trace)
    }
  }
}

/** Crashes of all servers, in one act: it is played once for all of them, and what each would leave is played on. */
async function playFromImages(
  script: PreparedScript,
  crashes: readonly PlannedCrash[],
  report: (verdict: CrashVerdict) => void | Promise<void>,
  trace: ((line: string) => void) | null,
): Promise<void> {
  const { act, scene } = script.acts[crashes[0]!.act - 1]!
  const left = new Map<PlannedCrash, Scene>()
  await playAct(act, scene, {
    onCall: ({ victim, call }, now) => {
      for (const crash of crashes) {
        if (crash.victim === victim && crash.call === call) left.set(crash, afterCrash(now(), crash))
      }
    },
  })
  for (const crash of crashes) {
    const found = left.get(crash)
    const losesPowerAtEnd = crash.call % powerLossInterval === 0
    if (found === undefined) await report(`${describeCrash(script, crash)}: the call was not reached`)
    else await report(verdictOf(script, crash, await playAct(null, found, { trace, losesPowerAtEnd })))
  }
}

function afterCrash(scene: Scene, { call, victim, mode }: PlannedCrash): Scene {
  const random = new SimRandom(call, `crash of server ${victim}`)
  const disks: Disks = new Map(ids.map((id) => [id, scene.disks.get(id)!.foundAfterCrash(mode, { random })]))
  // Processes with random numbers of their own.
  return { ...scene, disks, number: scene.number + acts.length }
}

function verdictOf(script: PreparedScript, crash: PlannedCrash, { violations, hasCrashed }: Played): CrashVerdict {
  const isReached = crash.scope === 'all' || hasCrashed
  if (violations.length === 0 && isReached) return null
  const texts = isReached ? violations.slice(0, 4) : ['the call was not reached', ...violations.slice(0, 3)]
  const { act, victim, call, mode, scope } = crash
  const again = `--act ${act} --victim ${victim} --call ${call} --mode ${mode} --scope ${scope} --trace`
  return [
    describeCrash(script, crash),
    ...texts.map((text) => `  ${text}`),
    `  again: npx tsx test/sweep/main.ts ${again}`,
  ].join('\n')
}

function describeCrash(script: PreparedScript, { act, victim, call, mode, scope }: PlannedCrash): string {
  const { name } = script.acts[act - 1]!.act
  const loses = scope === 'one' ? `server ${victim} loses power` : 'all servers lose power'
  return `act ${act} "${name}", disk call ${call} of server ${victim}: ${loses}, disk ${mode}`
}
