/**
 * The AdminServer: from an HTTP request to the answer of an admin command (ZK: JettyAdminServer.CommandServlet). As in ZooKeeper an
 * unknown command, and one that a server cannot answer now, has status 200 and a field `error`: its monitors read the field.
 * Owns: paths, methods and statuses. Assumes: `run` answers in the same turn.
 */

import type { AdminCommand, CommandAnswer } from '../admin/commands/admin-command.ts'
import { adminCommands, commandNamed } from '../admin/commands/command-table.ts'
import { type JsonValue, jsonText } from '../admin/commands/json-text.ts'
import type { HttpRequest, HttpResponse } from '../ports/http.ts'
import { refusalOf } from './request-guard.ts'

export interface AdminRoutesOptions {
  /** `/commands`, or what `admin.commandURL` says. */
  readonly commandUrl: string
  /** The names under which the server may be asked, beside its addresses and localhost. */
  readonly names: readonly string[]
  /** Null: the server does not serve clients, and the command needs one that does. */
  readonly run: (command: AdminCommand, args: ReadonlyMap<string, string>) => CommandAnswer | null
}

const methods = ['GET', 'HEAD', 'POST']

/** What every response has: it is never kept, and a browser neither guesses its type nor shows it in another page. */
const commonHeaders = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
}

export function answerHttp(request: HttpRequest, options: AdminRoutesOptions): HttpResponse {
  const refusal = refusalOf(request, options.names)
  if (refusal !== null) return textResponse(refusal.status, refusal.reason)
  if (!methods.includes(request.method)) {
    const { status, headers, body } = textResponse(405, `Use one of ${methods.join(', ')}.`)
    return { status, headers: { ...headers, Allow: methods.join(', ') }, body }
  }
  const { path, query } = splitTarget(request.target)
  const { commandUrl } = options
  if (path === commandUrl || path === `${commandUrl}/`) return listResponse(commandUrl)
  if (!path.startsWith(`${commandUrl}/`)) {
    return textResponse(404, `There is no such page. The commands are listed at ${commandUrl}.`)
  }
  const name = decoded(path.slice(commandUrl.length + 1))
  const args = name === null ? null : argumentsOf(query)
  if (name === null || args === null)
    return textResponse(400, 'The address has a % that two hexadecimal digits must follow.')
  return commandResponse(name, args, options)
}

function commandResponse(name: string, args: ReadonlyMap<string, string>, { run }: AdminRoutesOptions): HttpResponse {
  const command = commandNamed(name)
  if (command === null) return jsonResponse(new Map(), name, `Unknown command: ${name}`)
  const answer = run(command, args)
  if (answer === null) return jsonResponse(new Map(), name, 'This ZooKeeper instance is not currently serving requests')
  return jsonResponse(answer.fields, command.names[0], answer.error)
}

/** ZooKeeper writes the fields of the command first (ZK: CommandResponse.toMap). */
function jsonResponse(fields: ReadonlyMap<string, JsonValue>, command: string, error: string | null): HttpResponse {
  const body = jsonText(new Map<string, JsonValue>([...fields, ['command', command], ['error', error]]))
  return { status: 200, headers: { ...commonHeaders, 'Content-Type': 'application/json;charset=utf-8' }, body }
}

function listResponse(commandUrl: string): HttpResponse {
  const links = adminCommands.map(({ names: [name] }) => `<a href="${commandUrl}/${name}">${name}</a>\n<br/>\n`)
  const headers = { ...commonHeaders, 'Content-Type': 'text/html;charset=utf-8' }
  return { status: 200, headers, body: links.join('') }
}

function textResponse(status: number, text: string): HttpResponse {
  return { status, headers: { ...commonHeaders, 'Content-Type': 'text/plain;charset=utf-8' }, body: `${text}\n` }
}

/** A target may also be a whole URL, which proxies send. */
function splitTarget(target: string): { readonly path: string; readonly query: string } {
  const local = target.replace(/^https?:\/\/[^/?]*/i, '')
  const at = local.indexOf('?')
  return at === -1 ? { path: local, query: '' } : { path: local.slice(0, at), query: local.slice(at + 1) }
}

/** The first value of each name counts, as in ZooKeeper. Null: it cannot be decoded. */
function argumentsOf(query: string): ReadonlyMap<string, string> | null {
  const args = new Map<string, string>()
  for (const pair of query.split('&')) {
    const at = pair.indexOf('=')
    const name = decoded((at === -1 ? pair : pair.slice(0, at)).replaceAll('+', ' '))
    const value = decoded((at === -1 ? '' : pair.slice(at + 1)).replaceAll('+', ' '))
    if (name === null || value === null) return null
    if (name !== '' && !args.has(name)) args.set(name, value)
  }
  return args
}

/** Null: a % is not followed by two hexadecimal digits. Bytes that are no UTF-8 become the replacement character. */
function decoded(text: string): string | null {
  if (!text.includes('%')) return text
  if (/%(?![0-9a-f]{2})/i.test(text)) return null
  const bytes: number[] = []
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '%') {
      bytes.push(Number.parseInt(text.slice(at + 1, at + 3), 16))
      at += 2
    } else {
      bytes.push(...new TextEncoder().encode(text[at]))
    }
  }
  return new TextDecoder().decode(Uint8Array.from(bytes))
}
