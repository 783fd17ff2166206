/** The disk that one server uses after very many sets on a thousand znodes, with the default retention of each target. */
import { diskBytesBelow } from './files.ts'
import { pause } from './members.ts'
import { type CheckpointRow, mib, type RowContext, type RowValues } from './row.ts'

export const diskRow: CheckpointRow = {
  figures: [
    { key: 'disk', title: 'disk in use after all sets, MiB', digits: 0, aim: 'ours < 1024 after 10 M sets' },
    { key: 'diskMax', title: 'most disk in use meanwhile, MiB', digits: 0 },
    { key: 'millions', title: 'sets, millions', digits: 1 },
    { key: 'seconds', title: 'time, s', digits: 0 },
  ],
  measure,
}

const sampleIntervalMs = 1000
/** Files that are no longer needed are removed within this time after the last write. */
const purgeMs = 10_000

async function measure({ members, options, generator, progress }: RowContext): Promise<RowValues> {
  const folder = members.dataFolder(0)
  const port = members.clientPort(0)
  const { diskSets: sets, dataSizeBytes } = options
  let diskMax = 0
  let isDone = false
  const startedAtMs = performance.now()
  const done = generator.run({ kind: 'set-keys', port, sets, dataSizeBytes }).finally(() => {
    isDone = true
  })
  done.catch(() => undefined) // awaited below, unless reading the folder fails first
  while (!isDone) {
    await Promise.race([done, pause(sampleIntervalMs)])
    diskMax = Math.max(diskMax, await diskBytesBelow(folder))
  }
  const seconds = (performance.now() - startedAtMs) / 1000
  await pause(purgeMs)
  const disk = await diskBytesBelow(folder)
  progress(`disk: ${sets} sets in ${Math.round(seconds)} s, ${Math.round(disk / 2 ** 20)} MiB in use`)
  return { disk: mib(disk), diskMax: mib(diskMax), millions: sets / 1e6, seconds }
}
