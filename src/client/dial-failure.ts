/** Explains an error of dialling: what happened, the code of the system, and the usual cause. */
export function explainDialFailure(error: Error): string {
  const code = 'code' in error ? String(error.code) : null
  switch (code) {
    case 'ECONNREFUSED':
      return 'connection refused (ECONNREFUSED); no server listens on this port'
    case 'ENOTFOUND':
      return 'unknown host (ENOTFOUND); check the name'
    case 'EAI_AGAIN':
      return 'the DNS server does not answer (EAI_AGAIN); check the network, or write the IP address'
    case 'ETIMEDOUT':
      return 'no answer (ETIMEDOUT); the host is down, or a firewall drops the packets'
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `no route to this host (${code}); check the address and the network`
    case 'ECONNRESET':
      return 'the connection was reset (ECONNRESET); the server is at its limit of connections, or is not a ZooKeeper server'
    default:
      return error.message
  }
}

/** For a server that accepts the connection and does not answer the connect request. */
export const noSession =
  'connected, but no session began; the server has no leader, its disk is full (a new session is a write), or it refuses clients (see its log)'
