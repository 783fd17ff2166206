/** The whole text that zkts-cli prints for a wrong path and for a server that it cannot reach. */
import { describe, expect, it } from 'vitest'
import { ensembleConfig, ServerRig, standaloneConfig } from '../support/server-rig.ts'
import { CliRig } from './cli-rig.ts'

const noSession =
  'connected, but no session began; the server has no leader, its disk is full (a new session is a write), or it refuses clients (see its log)'

describe('an illegal path', () => {
  it.each([
    ['ls /a/', '"/a/" ends with a slash; write /a'],
    ['ls a', '"a" is not a path; a path begins with /: write /a'],
    ['ls ""', 'the path is empty; write /name, or / for the root'],
    ['get //', '"//" has an empty name between two slashes; write /'],
    ['get /a//b/', '"/a//b/" has an empty name between two slashes; write /a/b'],
    ['stat /a/../b', '"/a/../b" has the name "..", which no znode can have; write the whole path'],
    ['create /.', '"/." has the name ".", which no znode can have; write the whole path'],
    ['set /a\u0001 x', '"/a\\u0001" has the character U+0001, which no path can have'],
    ['delete /\u{1f600}', '"/\u{1f600}" has the character U+1F600, which no path can have'],
    ['create /a/', '"/a/" ends with a slash; write /a'],
    [
      'ls 127.0.0.1:2181',
      '"127.0.0.1:2181" is not a path; a path begins with /: write /127.0.0.1:2181. To name servers, write -s before the command',
    ],
  ])('%s', async (line, message) => {
    const rig = await CliRig.started()
    const { out, err, status } = await rig.shell([line])
    expect([out, err, status]).toEqual(['', `${message}\n`, 2])
  })

  it('is not one that ends with a slash, for a sequential znode: its name is the number', async () => {
    const rig = await CliRig.started()
    expect((await rig.shell(['create /q', 'create -s /q/'])).out).toBe('Created /q\nCreated /q/0000000000\n')
  })

  it('in the connect string is reported too', async () => {
    const rig = await CliRig.started()
    expect((await rig.shell(['connect 10.0.0.1:2181/a/./b'])).err).toBe(
      'connect: bad-arguments: the chroot: "/a/./b" has the name ".", which no znode can have; write the whole path\n',
    )
  })
})

describe('a znode with a TTL', () => {
  it.each([
    ['extendedTypesEnabled=false', 1],
    ['compatibility=strict', 1],
    ['extendedTypesEnabled=true', 0],
  ])('where the server has %s', async (line, expected) => {
    const simulation = new ServerRig()
    await simulation.started(standaloneConfig([line]))
    const { err, status } = await new CliRig(simulation).run('create', '-t', '1000', '/a')
    const hint =
      'createTTL /a: unimplemented: The server creates no znodes with a TTL. They need extendedTypesEnabled=true in the ' +
      'configuration of each server.\n'
    expect([err, status]).toEqual([expected === 0 ? '' : hint, expected])
  })
})

describe('a server that cannot be reached', () => {
  /** A server runs at 10.0.0.1; no other host exists. */
  async function ran(servers: string, ...command: readonly string[]) {
    const rig = await CliRig.started()
    return rig.run('-s', servers, '--timeout', '2000', ...command)
  }

  it('is named once, with the reason', async () => {
    const { err, status } = await ran('10.0.0.1:1,10.0.0.2:2181', 'ls', '/')
    expect(status).toBe(3)
    expect(err).toBe(
      'connect: connection-loss: no server of 10.0.0.1:1,10.0.0.2:2181 accepted a session within 2000 ms\n' +
        '  10.0.0.1:1: connection refused (ECONNREFUSED); no server listens on this port\n' +
        '  10.0.0.2:2181: connection refused (ECONNREFUSED); no server listens on this port\n',
    )
  })

  it('is named with the reason after a four-letter word', async () => {
    const { err, status } = await ran('10.0.0.1:1', 'ruok')
    expect(status).toBe(3)
    expect(err).toBe(
      'cannot connect to 10.0.0.1:1: connection refused (ECONNREFUSED); no server listens on this port\n',
    )
  })

  it('is distinguished from one that has no leader', async () => {
    const simulation = new ServerRig()
    const { server } = simulation.server(ensembleConfig(1))
    await simulation.settle(server.start())
    const { err, status } = await new CliRig(simulation).run('--timeout', '2000', 'ls', '/')
    expect(status).toBe(3)
    expect(err).toBe(
      `connect: connection-loss: no server of 10.0.0.1:2181 accepted a session within 2000 ms\n  10.0.0.1:2181: ${noSession}\n`,
    )
  })
})
