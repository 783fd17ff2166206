/**
 * ClickHouse against one server (`single`) or three (`ensemble`): a current one as a library, which uses the operations of
 * Keeper, and two old servers that replicate. The first argument is the Python that has the library.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runChecks } from '../checks.ts'
import { startEmbedded } from './embedded-clickhouse.ts'
import { root, servers, startPair } from './environment.ts'
import { failoverChecks } from './failover-checks.ts'
import { keeperMapChecks } from './keeper-map-checks.ts'
import { startReplicatingServers } from './replicating-server.ts'
import { replicationChecks } from './replication-checks.ts'
import { sharedStateChecks } from './shared-state-checks.ts'

const [python, part] = process.argv.slice(2) as [string, string]
const directory = mkdtempSync(join(tmpdir(), 'zkts-clickhouse-'))
process.once('exit', () => rmSync(directory, { recursive: true, force: true }))

const replicas = await startReplicatingServers({ directory, servers, root })
if (part === 'single') {
  const pair = await startPair(python, directory)
  const checks = [...keeperMapChecks(pair), ...sharedStateChecks(pair), ...replicationChecks(replicas)]
  process.exit(await runChecks(checks))
}
const embedded = startEmbedded({ python, directory, name: 'embedded', servers, root })
process.exit(await runChecks(failoverChecks(embedded, replicas)))
