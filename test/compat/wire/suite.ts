/**
 * Checks with bare frames against one server (`single`), one with `compatibility=strict` (`strict`) or three (`ensemble`).
 * Servers and root path come from the environment, as for every suite (see suites.ts).
 */
import { type Check, runChecks } from '../checks.ts'
import { aclChecks } from './acl-checks.ts'
import { ensembleChecks } from './ensemble-checks.ts'
import { quotaChecks, quotaEnsembleChecks } from './quota-checks.ts'
import { requestChecks } from './request-checks.ts'
import { sessionChecks } from './session-checks.ts'
import { strictChecks } from './strict-checks.ts'
import { watchChecks } from './watch-checks.ts'
import { wordChecks, wordEnsembleChecks } from './word-checks.ts'

const ports = process.env['ZK_SERVERS']!.split(',').map((server) => Number(server.split(':')[1]))
const root = process.env['ZK_ROOT']!
process.exit(await runChecks(checksOf(process.argv[2])))

function checksOf(part: string | undefined): readonly Check[] {
  if (part === 'strict') return strictChecks(ports[0]!, root)
  if (part === 'ensemble') {
    return [ensembleChecks, quotaEnsembleChecks, wordEnsembleChecks].flatMap((each) => each(ports, root))
  }
  return [sessionChecks, requestChecks, aclChecks, watchChecks, quotaChecks, wordChecks].flatMap((each) =>
    each(ports[0]!, root),
  )
}
