/**
 * The text of envi (ZK: Environment.list). The keys are those of a JVM, because the programs that read the text look
 * for them. A key without a meaning in Node.js has the value `<NA>`, as in ZooKeeper.
 */

import type { AdminSources } from './admin-sources.ts'
import { asLines } from './connection-text.ts'

const bytesPerMegabyte = 1024 * 1024

/** Known before the server has read its data. */
export interface StartingSources extends Pick<AdminSources, 'environment'> {
  readonly status: Pick<AdminSources['status'], 'version'>
  readonly details: Pick<AdminSources['details'], 'memory'>
}

export function renderEnvi(sources: StartingSources): string {
  return asLines(['Environment:', ...environmentEntries(sources).map(([key, value]) => `${key}=${value}`)])
}

export function environmentEntries({
  status,
  environment,
  details,
}: StartingSources): readonly (readonly [key: string, value: string])[] {
  const memory = details.memory()
  const megabytes = (bytes: number): string => `${Math.trunc(bytes / bytesPerMegabyte)}MB`
  return [
    ['zookeeper.version', status.version],
    ['host.name', environment.hostName],
    ['java.version', `Node.js ${environment.nodeVersion}`],
    ['java.vendor', '<NA>'],
    ['java.home', environment.nodeExecutable],
    ['java.class.path', '<NA>'],
    ['java.library.path', '<NA>'],
    ['java.io.tmpdir', environment.temporaryFolder],
    ['java.compiler', '<NA>'],
    ['os.name', environment.osName],
    ['os.arch', environment.osArch],
    ['os.version', environment.osVersion],
    ['user.name', environment.userName],
    ['user.home', environment.userHome],
    ['user.dir', environment.userDir],
    ['os.memory.free', megabytes(memory.freeBytes)],
    ['os.memory.max', megabytes(memory.maxBytes)],
    ['os.memory.total', megabytes(memory.totalBytes)],
  ]
}
