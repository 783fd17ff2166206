import { describe, expect, it } from 'vitest'
import { commandTable } from '../../src/cli/command-table.ts'
import { CliRig } from './cli-rig.ts'

describe('the shell', () => {
  it('numbers its lines, shows the last ones, and runs one again', async () => {
    const rig = await CliRig.started()
    const { out, err, status } = await rig.shell(['create -s /a', '', 'redo 0', 'redo 7', 'redo 3', 'history'])
    expect(out).toBe(
      'Created /a0000000000\nCreated /a0000000001\n' +
        '0 - create -s /a\n1 - create -s /a\n2 - redo 7\n3 - redo 3\n4 - history\n',
    )
    expect(err).toBe(
      'there is no earlier line 7; "history" shows the numbers\nthere is no earlier line 3; "history" shows the numbers\n',
    )
    expect(status).toBe(2)
  })

  it('shows no more than the last eleven lines', async () => {
    const rig = await CliRig.started()
    const { out } = await rig.shell([...Array.from({ length: 14 }, () => 'printwatches on'), 'history'])
    expect(out.split('\n').slice(0, -1)).toHaveLength(11)
    expect(out).toMatch(/^4 - printwatches on\n/)
  })

  it('forgets lines that are more than a thousand back', async () => {
    const rig = await CliRig.started()
    const { out, err } = await rig.shell([
      'ls /',
      'sync /',
      ...Array<string>(1000).fill('printwatches on'),
      'redo 0',
      'redo 4',
    ])
    expect(out).toBe('[zookeeper]\nSync is OK\n')
    expect(err).toBe('there is no earlier line 0; "history" shows the numbers\n')
  })

  it('refuses to redo a redo', async () => {
    const rig = await CliRig.started()
    expect((await rig.shell(['redo x', 'redo 0'])).err).toBe(
      '"x" is not the number of a line; "history" shows the numbers\nline 0 is itself a redo; give the number of another line\n',
    )
  })

  it('stays open after close, and connect opens a new session, also with another chroot', async () => {
    const rig = await CliRig.started()
    const { out, err, status } = await rig.shell([
      'create /app',
      'create -e /e',
      'close',
      'ls /',
      'connect',
      'ls /',
      'connect 10.0.0.1:2181/app',
      'create /x',
      'connect 10.0.0.1:1',
      'ls /',
      'connect 10.0.0.1:2181',
      'ls /app',
    ])
    expect(out).toBe('Created /app\nCreated /e\n[app, zookeeper]\nCreated /x\n[x]\n')
    expect(err).toMatch(
      /^not connected; "connect" opens a session\nconnect: connection-loss: no server of 10.0.0.1:1 accepted .*\n {2}10.0.0.1:1: connection refused .*\nnot connected; .*\n$/,
    )
    expect(status).toBe(1)
  })

  it('authenticates again with --auth after connect', async () => {
    const rig = await CliRig.started()
    const { out } = await rig.shell(['addauth digest ida:x', 'connect', 'whoami'], '--auth', 'digest:erin:pw')
    expect(out).toBe('Auth scheme: User\nip: 10.0.1.1\ndigest: erin\n')
  })

  it('goes on when credentials are refused', async () => {
    const rig = await CliRig.started()
    const { out, err } = await rig.shell(['addauth kerberos x', 'ls /', 'connect', 'ls /'])
    expect(out).toBe('[zookeeper]\n')
    expect(err).toMatch(
      /^the server has refused the credentials and ended the session\nauth: auth-failed.*\ngetChildren2 .*auth-failed.*\n$/,
    )
  })

  it('ends at quit and at exit, before the lines that follow', async () => {
    const rig = await CliRig.started()
    expect((await rig.shell(['quit', 'create /a'])).out).toBe('')
    expect((await rig.shell(['exit', 'create /a'])).out).toBe('')
  })

  it('explains every command in its help', async () => {
    const rig = await CliRig.started()
    const { out } = await rig.shell(['help'])
    for (const { name } of commandTable) expect(out).toContain(`\n  ${name}`)
    expect((await rig.shell(['help setquota'])).out).toMatch(/-N, --count-hard <limit>\s+enforced limit of znodes/)
  })

  it('refuses an unknown command and suggests a similar one', async () => {
    const rig = await CliRig.started()
    const { err, status } = await rig.shell(['getacl /'])
    expect(err).toMatch(/unknown command 'getacl'\n\(Did you mean getAcl\?\)/)
    expect(status).toBe(2)
  })
})

describe('the shell at a terminal', () => {
  async function interactive(): Promise<CliRig> {
    const rig = await CliRig.started()
    rig.isInteractive = true
    return rig
  }

  it('prompts with the server and the number of the line', async () => {
    const rig = await interactive()
    await rig.shell(['ls /', 'close', 'quit'])
    expect(rig.prompts).toEqual(['[10.0.0.1:2181 0] ', '[10.0.0.1:2181 1] ', '[not connected 2] '])
  })

  it('stores lines, except lines with credentials or with a mistyped addauth, and hides credentials in its history', async () => {
    const rig = await interactive()
    const { out } = await rig.shell([
      'ls /',
      'addauth digest erin:secret',
      ' "addauth" digest erin:secret',
      'adauth digest x:secret',
      'history',
    ])
    expect(rig.kept).toEqual(['ls /', 'history'])
    expect(out).not.toContain('secret')
    expect(out).toContain('1 - addauth digest …\n')
    expect(['ls /', ' addauth digest a:b'].map((line) => rig.options?.isRemembered(line))).toEqual([true, false])
    await rig.shell(['quit'])
    expect(rig.options?.history).toEqual(['ls /', 'history'])
  })

  it('reports once that lines cannot be stored, and goes on', async () => {
    const rig = await interactive()
    rig.historyFailure = new Error('disk full')
    const { err, out } = await rig.shell(['ls /', 'ls /'])
    expect([err, out]).toEqual([
      'typed lines are not stored in the history file: disk full\n',
      '[zookeeper]\n[zookeeper]\n',
    ])
  })

  it('writes events above the line that is being typed', async () => {
    const rig = await interactive()
    const { out } = await rig.shell(['get -w /zookeeper', 'set /zookeeper x'])
    expect(out).not.toContain('watch:')
    expect(rig.above).toEqual([expect.stringMatching(/^watch: \/zookeeper data-changed at 0x\w+\n$/)])
  })

  it('exits with 0, even if commands have failed', async () => {
    const rig = await interactive()
    expect((await rig.shell(['bogus', 'get /none'])).status).toBe(0)
  })
})
