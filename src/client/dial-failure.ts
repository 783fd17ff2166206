/** Why a server could not be reached, in words, and what that usually means. */
export function explainDialFailure(error: Error): string {
  const code = 'code' in error ? String(error.code) : null
  switch (code) {
    case 'ECONNREFUSED':
      return 'connection refused (ECONNREFUSED); no server listens on this port'
    case 'ENOTFOUND':
      return 'unknown host (ENOTFOUND); check the name'
    case 'EAI_AGAIN':
      return 'the name server does not answer (EAI_AGAIN); check the network, or write the address'
    case 'ETIMEDOUT':
      return 'no answer (ETIMEDOUT); the host is down, or a firewall drops what is sent'
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `no way to this host (${code}); check the address and the network`
    case 'ECONNRESET':
      return 'the connection was reset (ECONNRESET); the server has no room for it, or is no ZooKeeper server'
    default:
      return error.message
  }
}

/** Of a server that takes the connection and never answers the connect request. */
export const noSession = 'connected, but no session began; it has no leader, or refuses clients, as its log says'
