/**
 * The public interface of the package `zkts`: a server to embed, the real ports that it runs with, and its
 * configuration. The client has an interface of its own, `zkts/client`. Only the exports of these two files are kept
 * stable.
 */
export type { Config, EnsembleMember } from './config/config.ts'
export { type ConfigProblem, type ConfigRemark, describeProblem } from './config/config-problem.ts'
export { type ConfigTexts, loadConfig, type ParsedConfig } from './config/load-config.ts'
export { nodePorts } from './io/node-ports.ts'
export type { Clock } from './ports/clock.ts'
export type { Digest } from './ports/digest.ts'
export type { Disk, DiskFile, OpenMode } from './ports/disk.ts'
export type { Log, LogFields } from './ports/log.ts'
export type { Ports } from './ports/ports.ts'
export type { Random } from './ports/random.ts'
export type { Address, ByteStream, Dialer, Listener, ListenerHandle, StreamHandlers } from './ports/stream.ts'
export type { CancelTimer, Timers } from './ports/timers.ts'
export { createServer, type ServerOptions, type ZktsServer } from './server/create-server.ts'
export type { StartFailure } from './server/start-failure.ts'
