/** Why a server does not start. It is a value, since the cause is outside the program. `message` says what to do. */
import type { DigestAlgorithm } from '../base/digest-algorithms.ts'
import { explainDiskFailure } from '../base/disk-failure.ts'
import type { Config } from '../config/config.ts'
import type { Address } from '../ports/stream.ts'

export interface StartFailure {
  readonly kind:
    | 'corrupt' // the log lacks acknowledged records
    | 'foreign' // the data folder is another server's, or another program's
    | 'misplaced' // the log of the data folder is not in the folder that the configuration names
    | 'empty' // the data folder is empty, and db.autocreate=false says that it should hold data
    | 'unfinished' // a restore of a backup into the data folder did not end
    | 'locked' // another live process uses the data folder
    | 'io' // the disk refused to read or write
    | 'port' // a port cannot be opened
    | 'hash' // this machine cannot compute the hash of the digest scheme
  readonly message: string
}

/** Checked at the start, and not when the first client authenticates. */
export function missingHash(algorithm: DigestAlgorithm): StartFailure {
  const message = `DigestAuthenticationProvider.digestAlg: this machine does not offer ${algorithm}; write another hash, or allow it in the settings of OpenSSL.`
  return { kind: 'hash', message }
}

/** `setting` is the key that the operator wrote, e.g. `clientPort`. */
export function portFailure(setting: string, address: Address, cause: unknown): StartFailure {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
  const where = `${setting}: cannot listen on ${address.host}:${address.port}`
  return { kind: 'port', message: `${where}: ${adviceFor(code, setting, cause)}` }
}

/** What makes the server listen on every address, by the key of the port. */
const everyAddressSettings: Readonly<Record<string, string>> = {
  clientPort: 'clientPortAddress=0.0.0.0',
  'metricsProvider.httpPort': 'metricsProvider.httpHost=0.0.0.0',
}

function adviceFor(code: string, setting: string, cause: unknown): string {
  switch (code) {
    case 'EADDRINUSE':
      return `another process uses this port (EADDRINUSE). Stop it, or write another port for ${setting}.`
    case 'EACCES':
      return `this user may not open this port (EACCES). Write a port above 1023, or grant the right.`
    case 'EADDRNOTAVAIL':
      return `this machine does not have this address (EADDRNOTAVAIL). Write one of its addresses, or set ${everyAddressSettings[setting] ?? 'quorumListenOnAllIPs=true'}.`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the name does not resolve (${code}). Check the name, or write the address.`
    default:
      return `${cause instanceof Error ? cause.message : String(cause)} (${code}).`
  }
}

/** Puts the key of zoo.cfg in front of a disk failure, so that the operator sees which folder is meant. */
export function underItsSetting(failure: StartFailure, config: Config): StartFailure {
  if (failure.kind !== 'io') return failure
  const setting = config.dataLogDir === config.dataDir ? 'dataDir' : 'dataLogDir'
  return { kind: 'io', message: `${setting}: ${failure.message}` }
}

/** The result of `look`; a disk fault becomes a failure whose message begins with dataDir. */
export async function withDiskFailures(
  config: Config,
  look: () => Promise<StartFailure | null>,
): Promise<StartFailure | null> {
  try {
    return await look()
  } catch (cause) {
    // Only an error that has a system's code is a fault of the disk; any other is a bug.
    if (!(cause instanceof Error && 'code' in cause)) throw cause
    return { kind: 'io', message: `dataDir: ${config.dataDir}: ${explainDiskFailure(cause)}` }
  }
}
