/**
 * Why the server closes a connection on its own decision, each with one sentence for the log line: what arrived, where
 * it should go, what to do. A refused program gets no bytes, since it would not understand the protocol; the log line
 * is then the only place where an operator can see the cause.
 */
export const closeReasons = {
  'frame-too-large':
    'A frame has a length that no request has, or a connect request is too long, so this is not a ZooKeeper client or the stream is damaged; check what connects to the client port.',
  'large-restore':
    'A request that restores watches or credentials is above a limit; a client does not notice that such a request fails, so the connection was closed; raise that limit, or let the client set fewer watches.',
  'request-above-limit':
    'A request is longer than this server takes, and compatibility=strict, so the connection was closed; write less in one request, split the multi, or raise the limit here and in the clients.',
  'large-request-above-limit':
    'The large requests in flight fill largeRequestMaxBytes, and compatibility=strict, so the connection was closed; send fewer at once, or raise largeRequestMaxBytes.',
  'frame-negative':
    'A frame has a negative length, so this is not a ZooKeeper client or the stream is damaged; check what connects to the client port.',
  'frame-too-short':
    'A frame is too short for a request header, so this is not a ZooKeeper client or the stream is damaged; check the client library.',
  'connect-request-malformed':
    'The first frame is not a connect request, so this is not a ZooKeeper client; check what connects to the client port.',
  'http-on-client-port':
    'An HTTP request arrived on the client port, which speaks the ZooKeeper protocol only; point web clients and HTTP probes at the admin port, or probe with a four-letter word.',
  'tls-on-client-port':
    'A TLS handshake arrived on the plain client port; connect to the secure client port, or turn TLS off in the client.',
  'unknown-four-letter-word-or-garbage':
    'Four letters arrived that are no four-letter word, or text that is no ZooKeeper frame; check the spelling of the word, or what connects to the client port.',
  'telnet-interrupt': 'A telnet user pressed the interrupt key on the client port, so the connection was closed.',
  'too-much-before-session':
    'The client sent more than the server keeps for a connection whose session is not yet established; it should wait for the connect response.',
} as const satisfies Record<string, string>

export type CloseReason = keyof typeof closeReasons
