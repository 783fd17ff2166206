/** The commands on the shell itself. */
import type { ShellCommand } from './cli-command.ts'
import { CliFailure } from './exit-codes.ts'

/** This line and the ten before it, as zkCli shows them. */
const historyShownMax = 11

export const shellCommands: readonly ShellCommand[] = [
  {
    kind: 'shell',
    name: 'connect',
    takes: '[servers]',
    summary: 'ends the session and opens a new one, with the same servers or with the given ones',
    options: [],
    run: (input, shell) => shell.connect(input.args[0] ?? null),
  },
  {
    kind: 'shell',
    name: 'close',
    takes: '',
    summary: 'ends the session; the shell stays open',
    options: [],
    run: (_input, shell) => shell.close(),
  },
  {
    kind: 'shell',
    name: 'history',
    takes: '',
    summary: 'prints the last lines with their numbers',
    options: [],
    async run(_input, shell) {
      for (const [number, line] of shell.history.slice(-historyShownMax)) shell.write(`${number} - ${line}\n`)
    },
  },
  {
    kind: 'shell',
    name: 'redo',
    takes: '<number>',
    summary: 'runs the line with this number again',
    options: [],
    async run(input, shell) {
      const [text = ''] = input.args
      if (!/^\d{1,9}$/.test(text))
        throw new CliFailure('usage', `"${text}" is not the number of a line; "history" shows the numbers`)
      await shell.redo(Number(text))
    },
  },
  {
    kind: 'shell',
    name: 'printwatches',
    takes: '[on|off]',
    summary: 'turns the printing of watch events on or off, or prints whether it is on',
    options: [],
    async run(input, shell) {
      const [wanted] = input.args
      if (wanted === undefined) shell.write(`printwatches is ${shell.printsWatches ? 'on' : 'off'}\n`)
      else if (wanted === 'on' || wanted === 'off') shell.printsWatches = wanted === 'on'
      else throw new CliFailure('usage', `"${wanted}" is not a setting of printwatches; write on or off`)
    },
  },
  quitNamed('quit', 'ends the session and the shell'),
  quitNamed('exit', 'the same as quit'),
]

function quitNamed(name: string, summary: string): ShellCommand {
  return { kind: 'shell', name, takes: '', summary, options: [], run: async (_input, shell) => shell.quit() }
}
