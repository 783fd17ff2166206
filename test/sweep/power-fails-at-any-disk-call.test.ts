/**
 * A slice of the sweep: crashes at disk calls spread over the whole script. `.ci/run` plays all crashes (main.ts).
 */
import { expect, test } from 'vitest'
import { crashScopes, playCrashes, prepareScript } from './sweep.ts'

/** Where in an act its crashes are; the next act takes the next place. */
const places = [0.55, 0.8, 0.3, 0.95, 0.65]

test('no acknowledged write is lost, and every server comes up, when power fails at disk calls of a script', {
  timeout: 120_000,
}, async () => {
  const script = await prepareScript()
  expect(script.writeCount).toBeGreaterThanOrEqual(300)
  const crashes = [...script.acts.keys()].flatMap((index) =>
    crashScopes.map((scope) => {
      const ofAct = script.crashes.filter((crash) => crash.act === index + 1 && crash.scope === scope)
      return ofAct[Math.floor(ofAct.length * places[index % places.length]!)]!
    }),
  )
  let playedCount = 0
  await playCrashes(script, crashes, (verdict) => {
    expect(verdict).toBe(null)
    playedCount += 1
  })
  expect(playedCount).toBe(script.acts.length * crashScopes.length)
})
