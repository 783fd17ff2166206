/**
 * ZooKeeper's own shell, zkCli, against one server: its commands must print the same as with Apache ZooKeeper.
 * Usage: zkcli-suite.ts <command that starts the shell> single
 */
import { type Check, expectTrue, runChecks } from '../checks.ts'
import { runShell } from '../shell-session.ts'

const server = process.env['ZK_SERVERS']!.split(',')[0]!
const root = process.env['ZK_ROOT']!
const shell = [...process.argv.slice(2, -1), '-waitforconnection', '-server', server]

function check(title: string, lines: readonly string[], wanted: readonly RegExp[]): Check {
  return {
    title,
    async run() {
      const { output } = await runShell(shell, [...lines, 'quit'], 0)
      for (const pattern of wanted)
        expectTrue(pattern.test(output), `no text matches ${pattern} in: ${output.slice(-1500)}`)
    },
  }
}

process.exit(
  await runChecks([
    check(
      'zkCli creates, reads, changes, lists and deletes',
      [
        `create ${root} first`,
        `get -s ${root}`,
        `set -s -v 0 ${root} second`,
        `get ${root}`,
        `create -s ${root}/s-`,
        `create -e ${root}/e`,
        `ls ${root}`,
        `stat ${root}`,
        `getAllChildrenNumber ${root}`,
        `getEphemerals ${root}`,
        `delete ${root}/s-0000000000`,
        `deleteall ${root}`,
        `stat ${root}`,
      ],
      [
        new RegExp(`Created ${root}$`, 'm'),
        /^first$/m,
        /^dataVersion = 1$/m,
        /^second$/m,
        new RegExp(`Created ${root}/s-0000000000$`, 'm'),
        /^\[e, s-0000000000\]$/m,
        /^numChildren = 2$/m,
        new RegExp(`Node does not exist: ${root}$`, 'm'),
      ],
    ),
    check(
      'zkCli reports the errors of the server by name',
      [
        `create ${root}-errors x`,
        `create ${root}-errors x`,
        `set -v 5 ${root}-errors y`,
        `create ${root}-none/child x`,
        `get ${root}-none`,
      ],
      [/Node already exists/, /version No is not valid/, /Node does not exist/],
    ),
    check(
      'zkCli sets and gets ACLs, with addauth',
      [
        `create ${root}-acl x`,
        'addauth digest erin:pw',
        `setAcl ${root}-acl auth::cdrwa`,
        `getAcl ${root}-acl`,
        'whoami',
      ],
      [/'digest,'erin:/, /: cdrwa/, /^digest: erin$/m],
    ),
    check(
      'zkCli lists recursively, reports missing znodes and creates containers with children',
      [
        `create ${root}-deep x`,
        `create -c ${root}-deep/container x`,
        `create ${root}-deep/container/child x`,
        `create -s -e ${root}-deep/both- x`,
        `ls -R ${root}-deep`,
        `ls -s ${root}-deep`,
        `getAllChildrenNumber ${root}-deep`,
        `getEphemerals ${root}-deep`,
        `delete ${root}-deep`,
      ],
      [
        new RegExp(`^${root}-deep/container/child$`, 'm'),
        /^\[both-0000000001, container\]/m,
        /^3$/m,
        new RegExp(`^\\[${root}-deep/both-0000000001\\]$`, 'm'),
        new RegExp(`Node not empty: ${root}-deep$`, 'm'),
      ],
    ),
    check(
      'zkCli adds and removes watches of every mode',
      [
        `create ${root}-modes x`,
        `addWatch -m PERSISTENT ${root}-modes`,
        `set ${root}-modes y`,
        `set ${root}-modes z`,
        `removewatches ${root}-modes -a`,
        `addWatch -m PERSISTENT_RECURSIVE ${root}-modes`,
        `create ${root}-modes/below x`,
        `removewatches ${root}-none`,
      ],
      [
        new RegExp(`(type:NodeDataChanged path:${root}-modes[\\s\\S]*){2}`),
        new RegExp(`type:NodeCreated path:${root}-modes/below`),
        /No such watcher/,
      ],
    ),
    check(
      'zkCli prints the configuration and the version, and reports that reconfig and TTL are refused',
      [
        'config',
        'reconfig -remove 3',
        `create -t 1000 ${root}-ttl x`,
        'version',
        `setAcl ${root}-none world:anyone:r`,
        `getAcl /`,
        'listquota /',
      ],
      [
        /reconfiguration.*disabled|Reconfig is disabled/i,
        /KeeperErrorCode = Unimplemented|TTL.*not|requires ZK/i,
        /ZooKeeper CLI version/,
        /'world,'anyone/,
      ],
    ),
    check(
      'zkCli syncs and reports watches',
      [`create ${root}-watch x`, `get -w ${root}-watch`, `set ${root}-watch y`, `sync ${root}-watch`],
      [/type:NodeDataChanged/, /Sync is OK/],
    ),
  ]),
)
