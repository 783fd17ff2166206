/**
 * Parses `host:port,host:port/chroot` (ZK: ConnectStringParser): the addresses of the servers and the chroot.
 */
import { err, ok, type Result } from '../base/result.ts'
import type { Address } from '../ports/stream.ts'
import { pathProblem } from './path-problem.ts'

export interface ConnectString {
  readonly addresses: readonly Address[] // at least one
  readonly chroot: string // '' or a path without a trailing slash
}

const clientPortDefault = 2181

export function parseConnectString(text: string): Result<ConnectString, string> {
  const slashAt = text.indexOf('/')
  const chroot = slashAt < 0 ? '' : text.slice(slashAt).replace(/\/$/, '')
  const problem = chroot === '' ? null : pathProblem(chroot)
  if (problem !== null) return err(`the chroot: ${problem}`)
  const addresses: Address[] = []
  for (const part of (slashAt < 0 ? text : text.slice(0, slashAt)).split(',')) {
    const address = parseAddress(part.trim())
    if (address === null)
      return err(`"${part.trim()}" is not a server address; write host:port, or [address]:port for IPv6`)
    addresses.push(address)
  }
  return ok({ addresses, chroot })
}

function parseAddress(text: string): Address | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]]+))(?::(\d{1,5}))?$/.exec(text)
  if (match === null) return null
  const port = match[3] === undefined ? clientPortDefault : Number(match[3])
  const host = match[1] ?? match[2]
  return host === undefined || port < 1 || port > 65535 ? null : { host, port }
}

export function describeAddress(address: Address): string {
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`
}
