/** Renders docs/reference/config.md from the key table, so that the page cannot differ from the code. */
import type { KeyTraits } from '../../src/config/key-traits.ts'
import { keys } from '../../src/config/keys.ts'

export function renderConfigReference(): string {
  const rows = Object.entries(keys)
  const of = (kind: KeyTraits['support']['kind']): [string, KeyTraits][] =>
    rows.filter(([, traits]) => traits.support.kind === kind)
  return `# Configuration

\`zkts-server --config zoo.cfg\` reads ZooKeeper's own file: Java properties, with the server lines in it or in the
file that \`dynamicConfigFile\` names, and the number of the server in \`myid\` in \`dataDir\`. Without a file the server is
standalone on 127.0.0.1:2181 with its data in \`./data\`.

- An unknown key is a warning that names the nearest known key.
- A key of ZooKeeper that has no effect in zkts is accepted with a note in the log.
- A key that would be unsafe to ignore is an error.
- Of a key that is set twice the later line wins, with a warning.
- \`server.N\`, \`ssl.N\` and the like stand for any ending.

## Keys that are used

| key | unit | default | meaning |
|---|---|---|---|
${of('used').map(usedRow).join('\n')}

## Keys that are refused

| key | accepted only as | meaning | why |
|---|---|---|---|
${of('refused').map(refusedRow).join('\n')}

## Keys of ZooKeeper without effect

| key | default in ZooKeeper | meaning | why it changes nothing |
|---|---|---|---|
${of('no-effect').map(noEffectRow).join('\n')}
`
}

function usedRow([key, { unit, defaultText, meaning, support }]: [string, KeyTraits]): string {
  const note = support.kind === 'used' && support.note !== null ? ` ${support.note}` : ''
  return `| \`${key}\` | ${unit} | ${cell(defaultText)} | ${cell(meaning + note)} |`
}

function refusedRow([key, { meaning, support }]: [string, KeyTraits]): string {
  if (support.kind !== 'refused') return ''
  return `| \`${key}\` | ${cell(support.harmlessValues.join(', '))} | ${cell(meaning)} | ${cell(support.reason)} |`
}

function noEffectRow([key, { defaultText, meaning, support }]: [string, KeyTraits]): string {
  if (support.kind !== 'no-effect') return ''
  return `| \`${key}\` | ${cell(defaultText)} | ${cell(meaning)} | ${cell(support.note)} |`
}

function cell(text: string): string {
  return text === '' ? '–' : text.replaceAll('|', '\\|')
}
