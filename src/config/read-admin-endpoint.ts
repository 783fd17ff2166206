/** Reads the keys `admin.*`. The names and defaults are ZooKeeper's, except that of the address. */
import type { AdminEndpoint } from './admin-endpoint.ts'
import { isHost, withoutBrackets } from './host-text.ts'
import type { Settings } from './settings.ts'

const intMax = 2 ** 31 - 1

/** Null: admin commands are not served over HTTP. */
export function readAdminEndpoint(settings: Settings): AdminEndpoint | null {
  const host = withoutBrackets(settings.text('admin.serverAddress') ?? '127.0.0.1')
  if (!isHost(host))
    settings.refuse('admin.serverAddress', 'neither an address nor a name', 'write 127.0.0.1 or 0.0.0.0')
  const endpoint = {
    address: { host, port: settings.integer('admin.serverPort', 0, 65_535) ?? 8080 },
    commandUrl: readCommandUrl(settings),
    idleTimeoutMs: settings.integer('admin.idleTimeout', 1, intMax) ?? 30_000,
    allowedHosts: (settings.text('admin.allowedHosts') ?? '')
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  }
  // Any word but `false` means yes (ZK: AdminServerFactory); here a word that is neither is an error.
  return settings.flag('admin.enableServer', true) ? endpoint : null
}

function readCommandUrl(settings: Settings): string {
  const key = 'admin.commandURL'
  const url = settings.text(key) ?? '/commands'
  if (/^(\/[A-Za-z0-9._~-]+)+$/.test(url)) return url
  settings.refuse(key, 'not a path of letters, digits and - . _ ~ between slashes', 'write /commands')
  return '/commands'
}
