/** The rows of the key table for admin commands over HTTP; `readAdminEndpoint` reads them. */
import { type KeyTraits, refused, used } from './key-traits.ts'

const noTls = 'TLS is not supported yet, and ignoring it would serve commands in plain text'

export const adminKeys: Readonly<Record<string, KeyTraits>> = {
  'admin.enableServer': used('boolean', 'true', 'Admin commands are served over HTTP.'),
  'admin.serverAddress': used(
    'text',
    '127.0.0.1',
    'Address to serve them on; 0.0.0.0 = all. Every client that reaches it may send every command.',
    'In ZooKeeper 0.0.0.0.',
  ),
  'admin.serverPort': used(
    'port',
    '8080',
    'Port to serve them on; 0 = any that is free. If it cannot be opened, the log says so, and the server runs without it.',
  ),
  'admin.commandURL': used('text', '/commands', 'Path of the commands.'),
  'admin.idleTimeout': used('ms', '30000', 'A connection on which nothing moves for this long is closed.'),
  'admin.allowedHosts': used(
    'text',
    '',
    'Names under which the server may be asked over HTTP, separated by commas, beside its addresses, localhost, the name of its machine and the host of its server line; * = every name.',
    'Not in ZooKeeper, which any web page in a browser can ask by a name that resolves to the server.',
  ),
  'admin.portUnification': refused('boolean', 'false', 'TLS and plain text on the HTTP port.', ['false'], noTls),
  'admin.forceHttps': refused('boolean', 'false', 'TLS on the HTTP port.', ['false'], noTls),
  'admin.needClientAuth': refused('boolean', 'false', 'Clients of the HTTP port need a certificate.', ['false'], noTls),
}
