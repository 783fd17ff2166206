/**
 * Which requests may not be answered, whatever they ask for. A browser on the machine of an operator reaches a port on the
 * loopback address, and any web page can make it send requests to that port. Two headers show that:
 * - Host: a page whose name was changed to resolve to this machine (DNS rebinding) still sends its own name.
 * - Origin and Sec-Fetch-Site: a page of another site.
 * Programs such as curl and monitoring agents send neither Origin nor Sec-Fetch-Site, and the name that they were given as Host.
 */
import type { HttpRequest } from '../ports/http.ts'

/** Why the request is refused, with its status; null: it is not. `names` in small letters; `*` accepts every name. */
export interface Refusal {
  readonly status: number
  readonly reason: string
}

export function refusalOf({ headers }: HttpRequest, names: readonly string[]): Refusal | null {
  const host = headers['host']
  if (host === undefined || host === '') return { status: 400, reason: 'The header Host is missing.' }
  const name = hostNameOf(`http://${host}`)
  if (name === null) return { status: 400, reason: 'The header Host is no host.' }
  if (!isOwnName(name, names)) {
    const reason = `This server does not answer under the name ${name}. Use its address, or write admin.allowedHosts=${name} in its zoo.cfg.`
    return { status: 403, reason }
  }
  const origin = headers['origin']
  if (origin !== undefined && !isSameOrigin(origin, host)) {
    return { status: 403, reason: 'Requests of web pages of another site are refused.' }
  }
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    return { status: 403, reason: 'Requests of web pages of another site are refused.' }
  }
  return null
}

/** An address cannot be rebound: a page can only have it as its origin if this server sent the page. */
function isOwnName(name: string, names: readonly string[]): boolean {
  if (name.startsWith('[') || /^\d+(\.\d+){3}$/.test(name)) return true
  const plain = name.replace(/\.$/, '')
  return plain === 'localhost' || plain.endsWith('.localhost') || names.includes('*') || names.includes(plain)
}

function isSameOrigin(origin: string, host: string): boolean {
  return (
    URL.canParse(origin) && URL.canParse(`http://${host}`) && new URL(origin).host === new URL(`http://${host}`).host
  )
}

/** The name or address of a URL that has nothing else. */
function hostNameOf(url: string): string | null {
  if (!URL.canParse(url)) return null
  const { hostname, pathname, username, password, search, hash } = new URL(url)
  const isHostAlone = pathname === '/' && `${username}${password}${search}${hash}` === ''
  return isHostAlone && hostname !== '' ? hostname.toLowerCase() : null
}
