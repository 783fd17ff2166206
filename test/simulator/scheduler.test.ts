import { describe, expect, test } from 'vitest'
import { Scheduler, SimProcess } from './scheduler.ts'
import { simTimers } from './sim-clock.ts'

function setUp(granularityUs = 1) {
  const thrown: unknown[] = []
  const scheduler = new Scheduler(granularityUs, (_process, cause) => thrown.push(cause))
  const ran: string[] = []
  const at = (process: SimProcess, delayUs: number, word: string) =>
    scheduler.schedule(process, 'timer', delayUs, () => ran.push(`${word}@${scheduler.nowUs}`))
  return {
    scheduler,
    thrown,
    ran,
    at,
    process: new SimProcess('p'),
    run: (untilUs: number) => scheduler.runUntil(untilUs, () => false),
  }
}

describe('scheduler', () => {
  test('events run by time and those of one instant in the order of scheduling', async () => {
    const { at, ran, process, run } = setUp()
    at(process, 30, 'c')
    at(process, 10, 'a')
    at(process, 30, 'd')
    at(process, 20, 'b')
    await run(100)
    expect(ran).toEqual(['a@10', 'b@20', 'c@30', 'd@30'])
  })

  test('events beyond the end of the run wait for the next one', async () => {
    const { at, ran, process, run, scheduler } = setUp()
    at(process, 150, 'late')
    await run(100)
    expect([ran, scheduler.nowUs]).toEqual([[], 100])
    await run(200)
    expect(ran).toEqual(['late@150'])
  })

  test('the end of a turn comes after everything queued for that instant', async () => {
    const { at, ran, process, run, scheduler } = setUp()
    scheduler.schedule(process, 'network', 10, () => {
      ran.push('first')
      simTimers(scheduler, process, 1).atTurnEnd(() => ran.push('turn end'))
    })
    at(process, 10, 'second')
    at(process, 11, 'third')
    await run(100)
    expect(ran).toEqual(['first', 'second@10', 'turn end', 'third@11'])
  })

  test('a coarse clock gathers events into one instant and never runs one early', async () => {
    const { at, ran, process, run } = setUp(1000)
    at(process, 1, 'a')
    at(process, 999, 'b')
    at(process, 1001, 'c')
    await run(5000)
    expect(ran).toEqual(['a@1000', 'b@1000', 'c@2000'])
  })

  test('a cancelled event does not run', async () => {
    const { at, ran, process, run } = setUp()
    at(process, 10, 'a')()
    await run(100)
    expect(ran).toEqual([])
  })

  test('events of a paused process wait and those of a dead one vanish', async () => {
    const { at, ran, process, run, scheduler } = setUp()
    const dead = new SimProcess('dead')
    at(process, 10, 'a')
    at(dead, 10, 'never')
    scheduler.pause(process)
    scheduler.kill(dead)
    await run(100)
    expect(ran).toEqual([])
    scheduler.resume(process, 'by-time')
    await run(200)
    expect(ran).toEqual(['a@100'])
  })

  test('a resumed process finds its timers before or after the rest as asked', async () => {
    const orders = (['timers-first', 'timers-last'] as const).map(async (order) => {
      const { at, ran, process, run, scheduler } = setUp()
      scheduler.schedule(process, 'network', 5, () => ran.push('data'))
      at(process, 10, 'timer')
      scheduler.schedule(process, 'network', 15, () => ran.push('more'))
      scheduler.pause(process)
      await run(20)
      scheduler.resume(process, order)
      await run(30)
      return ran
    })
    expect(await Promise.all(orders)).toEqual([
      ['timer@20', 'data', 'more'],
      ['data', 'more', 'timer@21'],
    ])
  })

  test('long chains of promises end before the next event', async () => {
    const { at, ran, process, run, scheduler } = setUp()
    scheduler.schedule(process, 'disk', 10, () => {
      scheduler.noteAsync()
      void (async () => {
        for (let i = 0; i < 50; i++) await Promise.resolve()
        ran.push('chain')
      })()
    })
    at(process, 10, 'next')
    await run(100)
    expect(ran).toEqual(['chain', 'next@10'])
  })

  test('what an event throws is reported with its process', async () => {
    const { process, run, scheduler, thrown } = setUp()
    scheduler.schedule(process, 'timer', 1, () => {
      throw new Error('broken')
    })
    await run(10)
    expect(thrown).toEqual([new Error('broken')])
  })

  test('ten thousand events in random order come out sorted', async () => {
    const { at, ran, process, run } = setUp()
    let seed = 1
    for (let i = 0; i < 10_000; i++) {
      seed = (seed * 48271) % 2147483647
      at(process, seed % 5000, String(i))
    }
    await run(5000)
    const times = ran.map((word) => Number(word.split('@')[1]))
    expect(times).toEqual([...times].sort((a, b) => a - b))
    expect(ran).toHaveLength(10_000)
  })
})
