/**
 * Plays random request sequences against Apache ZooKeeper and against zkts, and compares everything that comes back:
 * `npm run differential -- --seed N` replays one, `--seeds 50 [--from K] [--requests N]` runs many;
 * `--profile a,b` chooses other settings, or ensembles;
 * `--coverage` lists what was answered how often.
 * Both servers are new for each seed, so a seed determines its run completely. The last line is
 * `N passed, N failed`, counted in seeds; the exit code is 0 if and only if none failed.
 * A seed also fails if a server of zkts has made no checkpoint meanwhile, or has not removed the front of its log.
 */
import { parseArgs } from 'node:util'
import { SeededRandom } from '../../support/seeded-random.ts'
import { exactValue } from './decode-frame.ts'
import { Generator } from './generator.ts'
import { freshTop, play, type StepSource } from './play.ts'
import { type Profile, profiles } from './profiles.ts'
import { describeSteps, describeUnexplained } from './report.ts'
import { type Rule, rules, rulesUnderStrict } from './rules.ts'
import { startPair } from './servers.ts'
import { shrink } from './shrink.ts'

/** A rule that this many seeds do not use is reported as dead. */
const seedsForEveryRule = 20
const shrinkTimeBoxMs = 60_000
/** A server that fails ends within this time. */
const endMs = 2_000

interface Options {
  readonly seeds: readonly number[]
  readonly requestCount: number
  readonly profiles: readonly Profile[]
  readonly showsCoverage: boolean
}

async function main(): Promise<number> {
  const options = readOptions()
  const uses = new Map<string, number>()
  const startedAtMs = performance.now()
  let [requestCount, failedCount] = [0, 0]
  for (const profile of options.profiles) {
    for (const seed of options.seeds) {
      const outcome = await runSeed(seed, profile, options.requestCount, uses)
      requestCount += outcome.requestCount
      if (!outcome.isEqual) failedCount += 1
    }
  }
  const runCount = options.seeds.length * options.profiles.length
  const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(0)
  console.log(`${requestCount} requests in ${seconds} s, ${failedCount} seeds with differences that no rule explains`)
  for (const { name } of rules.filter((rule) => options.profiles.some((each) => isPlayedWith(each, rule)))) {
    const count = uses.get(name) ?? 0
    const isDead = count === 0 && runCount >= seedsForEveryRule
    console.log(`rule ${name}: used ${count} times${isDead ? ' - does it still describe anything?' : ''}`)
  }
  if (options.profiles.some(({ isStrict }) => isStrict)) printStayingRules()
  if (options.showsCoverage) printCoverage()
  console.log(`${runCount - failedCount} passed, ${failedCount} failed`)
  return failedCount === 0 ? 0 : 1
}

async function runSeed(
  seed: number,
  profile: Profile,
  requestCount: number,
  uses: Map<string, number>,
): Promise<{ readonly requestCount: number; readonly isEqual: boolean }> {
  const pair = await startPair(profile)
  try {
    const actualTop = freshTop()
    const generator = new Generator(new SeededRandom(seed), profile, actualTop)
    const source = counted(limited(generator, requestCount), answerCounts)
    const played = await play(pair.ports, actualTop, source, profile.isStrict, uses)
    if (played.unexplained.length === 0) {
      const { made, frontsRemoved } = pair.checkpointCounts()
      const checkpoints = `at least ${made} checkpoints and ${frontsRemoved} removals of a log's front on each server`
      console.log(`${profile.name} seed ${seed}: ${played.requestCount} requests, equal, with ${checkpoints}`)
      // Without both the seed has not compared what servers do while they make checkpoints.
      return { requestCount: played.requestCount, isEqual: made > 0 && frontsRemoved > 0 }
    }
    console.log(
      `${profile.name} seed ${seed}: different after ${played.requestCount} requests, in step ${played.steps.length}`,
    )
    for (const each of played.unexplained) console.log(describeUnexplained(each))
    await new Promise((resolve) => setTimeout(resolve, endMs))
    const ended = pair.obituaries()
    if (ended.length > 0) {
      console.log(describeSteps(played.steps.slice(-3)))
      console.log(ended.join('\n'))
      console.log(`Again: npm run differential -- --profile ${profile.name} --seed ${seed}`)
      return { requestCount: played.requestCount, isEqual: false }
    }
    const shrunk = await shrink(pair.ports, played.steps, profile.isStrict, shrinkTimeBoxMs)
    if (shrunk === null) {
      console.log('It does not happen when the steps are played again. The last of them:')
      console.log(describeSteps(played.steps.slice(-3)))
    } else {
      console.log(`The shortest sequence that shows it, after ${shrunk.attemptCount} attempts:`)
      console.log(describeSteps(shrunk.steps))
      for (const each of shrunk.unexplained) console.log(describeUnexplained(each))
    }
    console.log(`Again: npm run differential -- --profile ${profile.name} --seed ${seed}`)
    return { requestCount: played.requestCount, isEqual: false }
  } finally {
    await pair.stop()
  }
}

function isPlayedWith({ serverCount, isStrict, asks }: Profile, { name, played, staysBecause }: Rule): boolean {
  if (isStrict && staysBecause === null) return false
  if (name === 'internal-operations-refused' && !asks.internal) return false
  return played === 'everywhere' || (played === 'in ensembles' && serverCount > 1)
}

function limited(generator: Generator, requestCount: number): StepSource {
  let left = requestCount
  return {
    next() {
      if (left <= 0) return null
      const step = generator.next()
      left -= 'calls' in step ? Math.max(1, step.calls.length) : 1
      return step
    },
    learn: (...args) => generator.learn(...args),
  }
}

const answerCounts = new Map<string, number>()

/** Lists the requests and their answers, to show how much was covered. */
function counted(source: StepSource, counts: Map<string, number>): StepSource {
  const count = (what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1)
  return {
    next: () => source.next(),
    learn(step, answers, closed, connected) {
      const calls = 'calls' in step ? step.calls : []
      for (const [index, { operation }] of calls.entries()) {
        const answer = answers[index] ?? null
        count(`${operation.op} ${answer === null ? 'no answer' : (exactValue(answer, 'err') ?? 'no answer')}`)
      }
      if (step.kind === 'connect') count(`connect ${step.session === 'new' ? 'new' : 'again'} ${connected}`)
      source.learn(step, answers, closed, connected)
    },
  }
}

function printStayingRules(): void {
  console.log('with compatibility=strict these rules still hold:')
  for (const { name, staysBecause } of rulesUnderStrict) console.log(`  ${name}: ${staysBecause}`)
}

function printCoverage(): void {
  for (const [what, count] of [...answerCounts].sort()) console.log(`${String(count).padStart(8)}  ${what}`)
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string', default: '1' },
      from: { type: 'string', default: '1' },
      requests: { type: 'string', default: '4000' },
      coverage: { type: 'boolean', default: false },
      profile: { type: 'string', default: profiles[0]!.name },
    },
  })
  const chosen = values.profile.split(',').map((wanted) => {
    const profile = profiles.find(({ name }) => name === wanted)
    if (profile === undefined) throw new Error(`there is no profile ${wanted}`)
    return profile
  })
  const seeds =
    values.seed === undefined
      ? Array.from({ length: Number(values.seeds) }, (_, index) => Number(values.from) + index)
      : [Number(values.seed)]
  return { seeds, requestCount: Number(values.requests), profiles: chosen, showsCoverage: values.coverage }
}

process.exit(await main())
