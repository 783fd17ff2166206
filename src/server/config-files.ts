/**
 * Reads the files of a configuration and parses them: zoo.cfg, the dynamic file, myid; and explains a file that cannot
 * be read. A pipe is accepted for zoo.cfg and the dynamic file, and not for myid, which belongs to the data folder.
 * Assumes: `read` resolves to the text of a file, or to null if it does not exist, and otherwise rejects with
 * an Error that has the system's code.
 */
import { err, ok, type Result } from '../base/result.ts'
import { type ConfigProblem, describeProblem } from '../config/config-problem.ts'
import { filesNamedIn, loadConfig, type ParsedConfig } from '../config/load-config.ts'

/** What a path may name. Process substitution and `/dev/stdin` are pipes. */
export type AcceptedSource = 'file' | 'file-or-pipe'

export type ReadText = (path: string, accepts: AcceptedSource) => Promise<string | null>

/** `path` null: the defaults, without a file. The error lists every problem, one line each. */
export async function readConfig(
  path: string | null,
  read: ReadText,
): Promise<Result<ParsedConfig, readonly string[]>> {
  if (path === '') return err(['--config: the path is empty. Write the path of a zoo.cfg, or leave --config out.'])
  const main = await readOr(path, read, '--config', 'file-or-pipe')
  if (!main.ok) return main
  if (path !== null && main.value === null) {
    return err([`--config: there is no file ${path}. Write the path of a zoo.cfg, or leave --config out.`])
  }
  const { dataDir, dynamicConfigFile } = filesNamedIn(main.value)
  const dynamic = await readOr(dynamicConfigFile, read, 'dynamicConfigFile', 'file-or-pipe')
  if (!dynamic.ok) return dynamic
  const myid = await readOr(dataDir === null ? null : `${dataDir}/myid`, read, 'dataDir', 'file')
  if (!myid.ok) return myid
  const parsed = loadConfig({ text: main.value, dynamicText: dynamic.value, myidText: myid.value })
  if (parsed.ok) return parsed
  const names = { 'zoo.cfg': path, 'dynamic file': dynamicConfigFile, myid: `${dataDir}/myid` }
  return err(parsed.error.map((problem: ConfigProblem) => describeProblem(problem, names)))
}

/** `setting` is the flag or key that names the file. */
async function readOr(
  path: string | null,
  read: ReadText,
  setting: string,
  accepts: AcceptedSource,
): Promise<Result<string | null, readonly string[]>> {
  if (path === null) return ok(null)
  try {
    const text = await read(path, accepts)
    if (text === null || !isOtherEncoding(text)) return ok(text)
    const why = 'it has bytes of value 0, or the first two bytes of UTF-16'
    return err([`${setting}: ${path} is not a text file in UTF-8: ${why}. Save it in UTF-8, or write another path.`])
  } catch (cause) {
    // Only an error that has a system's code is a fault of the machine; any other is a bug.
    if (!(cause instanceof Error && 'code' in cause)) throw cause
    return err([`${setting}: ${path} cannot be read: ${adviceFor(String(cause.code), cause.message)}`])
  }
}

/** A file in UTF-16 or of a program. Bytes that are not UTF-8 were read as Latin-1, so the mark FF FE is ÿþ. */
function isOtherEncoding(text: string): boolean {
  return text.includes('\0') || text.startsWith('\u00ff\u00fe') || text.startsWith('\u00fe\u00ff')
}

function adviceFor(code: string, message: string): string {
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return `this user may not read it (${code}). Grant the right, or start the server as the user that owns it.`
    case 'EISDIR':
      return `it is a folder (${code}). Write the path of a file.`
    case 'EFTYPE':
      return `${message} (${code}). Write a regular file in its place.`
    case 'ENOTDIR':
      return `a part of this path is a file, not a folder (${code}). Write the path of a folder that exists or can be made.`
    default:
      return `${message}.`
  }
}
