/**
 * Starts the thread of the checkpoints. To load its modules takes the thread a third of a second, and the server needs it
 * at its start, so bin/zkts-server.js has one started before the modules of the server are loaded: then both are
 * loaded at the same time, and a server with a checkpoint answers that much earlier. It imports little for that reason.
 */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Worker, type WorkerOptions } from 'node:worker_threads'
import { checkpointThreadHeapSizeBytesMax } from '../base/limits.ts'

let prepared: Worker | null = null

/** The compiled file runs the compiled one. A bundle has this module in a folder of the same depth (.ci/build.js). */
export const checkpointEntry = new URL(
  `../checkpoint-main${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`,
  import.meta.url,
)

/** Starts the thread that the next `takeCheckpointWorker` of that entry returns. Until then it keeps no process alive. */
export function prepareCheckpointWorker(): void {
  const worker = startWorker(checkpointEntry)
  prepared = worker
  const forget = (): void => {
    if (prepared === worker) prepared = null
  }
  worker.once('error', forget)
  worker.once('exit', forget)
  worker.unref()
}

/** A thread that waits for its settings. */
export function takeCheckpointWorker(entry: URL): Worker {
  const worker = prepared
  if (worker === null || entry !== checkpointEntry) return startWorker(entry)
  prepared = null
  worker.ref()
  return worker
}

function startWorker(entry: URL): Worker {
  const options: WorkerOptions = {
    name: 'checkpoint',
    // For young objects: with 8 MiB reading a store takes 1.7 times the processor time that it takes with 16, and with 32
    // as much as with 16, but folding has 26 MB more in memory.
    resourceLimits: {
      maxOldGenerationSizeMb: checkpointThreadHeapSizeBytesMax / 2 ** 20,
      maxYoungGenerationSizeMb: 16,
    },
    stdout: true,
    stderr: true,
  }
  const worker = entry.pathname.endsWith('.ts') ? workerFromSource(entry, options) : new Worker(entry, options)
  // What the thread has to say comes as log lines. Its output would be written in the main thread (design D16).
  worker.stdout.resume()
  worker.stderr.resume()
  return worker
}

/** For developers and tests: tsx, which runs the sources, loads no TypeScript in threads unless they ask it to. */
function workerFromSource(entry: URL, options: WorkerOptions): Worker {
  // `require` finds the CommonJS twin, which does not work in a thread.
  const path = createRequire(import.meta.url)
    .resolve('tsx/esm/api')
    .replace(/cjs$/, 'mjs')
  const loader = pathToFileURL(path).href
  const script = `import(${JSON.stringify(loader)}).then(({ register }) => {
    register()
    return import(${JSON.stringify(entry.href)})
  })`
  return new Worker(script, { ...options, eval: true })
}
