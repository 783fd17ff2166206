/** What bin/zkts-server.js starts before it loads src/main.ts: the thread of the checkpoints, which loads its modules meanwhile. */
import { prepareCheckpointWorker } from './io/checkpoint-worker.ts'

prepareCheckpointWorker()
