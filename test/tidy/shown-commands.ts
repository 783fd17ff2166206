/**
 * Each command that a document shows, and where it is run: a file of the project, and words in it that prove it. A command
 * without a row fails the suite, because a document must not show a command that is never run.
 */
export interface ShownCommandRow {
  readonly command: string
  readonly ranBy: string
  readonly evidence: string
}

/** test/readme types every command of the README in a fresh copy; .ci/run runs it. */
const typed = { ranBy: 'test/readme/main.ts', evidence: "shownCommands([{ path: 'README.md'" }

/** test/readme/examples.ts types those of examples/README.md, beside a server of the build. */
const typedBesideAServer = {
  ranBy: 'test/readme/examples.ts',
  evidence: "shownCommands([projectFile('examples/README.md')]",
}

/** test/readme/backup.ts types those of docs/operations/backup.md. */
const typedBesideABackup = {
  ranBy: 'test/readme/backup.ts',
  evidence: "shownCommands([projectFile('docs/operations/backup.md')]",
}

export const shownCommandRows: readonly ShownCommandRow[] = [
  { command: 'npm ci && npm test', ranBy: '.ci/run', evidence: '8m npm test' },
  { command: 'npm ci && npm start', ...typed },
  { command: 'node bin/zkts-cli.js ruok', ...typed },
  { command: 'node bin/zkts-cli.js create /greeting hello', ...typed },
  { command: 'node bin/zkts-cli.js get /greeting', ...typed },
  { command: 'node bin/zkts-cli.js set /greeting goodbye', ...typed },
  { command: 'node bin/zkts-cli.js --json stat /greeting', ...typed },
  { command: 'node bin/zkts-cli.js srvr', ...typed },
  { command: 'node bin/zkts-cli.js', ...typed },
  { command: 'npm start -- --local 3', ...typed },
  { command: 'node bin/zkts-cli.js srvr -s 127.0.0.1:2181,127.0.0.1:2182,127.0.0.1:2183', ...typed },
  { command: 'npm run sim -- --seeds 20', ...typed },
  { command: 'npm run fuzz -- --inputs 1000000', ranBy: '.ci/run', evidence: 'fuzz -- --inputs 1000000' },
  { command: 'npx tsx test/sweep/main.ts', ranBy: '.ci/run', evidence: '20m npx tsx test/sweep/main.ts' },
  { command: 'npx tsx test/compat/run.ts', ranBy: '.ci/run', evidence: '10m npx tsx test/compat/run.ts' },
  { command: 'npm run differential -- --seeds 6', ranBy: '.ci/run', evidence: 'differential -- --seeds 6' },
  { command: 'npm start', ...typedBesideAServer },
  {
    command: 'npm start -- --config zoo.cfg',
    ranBy: 'test/readme/documents.ts',
    evidence: "['--config', 'zoo.cfg']",
  },
  ...['npm run sim -- --seed 17', 'npm run sim -- --seed 17 --trace'].map((command) => ({
    command,
    ranBy: 'test/readme/documents.ts',
    evidence: `'${command}'`,
  })),
  { command: 'npm run sim -- --seeds 500 --from 1', ranBy: '.ci/run', evidence: 'sim -- --seeds 600' },
  { command: '.ci/with-node 26 npx vitest run', ranBy: '.ci/run', evidence: '.ci/with-node 26 npx vitest run' },
  ...['lock', 'leader-election', 'configuration', 'service-discovery', 'embedded-server'].map((name) => ({
    command: `npx tsx examples/${name}.ts`,
    ...typedBesideAServer,
  })),
  ...[
    'zkts-cli data adopt --config zoo.cfg',
    'zkts-cli data adopt --config zoo.cfg --moved',
    'zkts-cli data adopt --config zoo.cfg --new-cluster',
    'zkts-cli data adopt --config zoo.cfg --new-cluster --cluster-id 0x1d4c2f00a1b2c3',
  ].map((command) => ({
    command,
    ranBy: 'test/cli/copied-folders-are-adopted.test.ts',
    evidence: command.replace('zkts-cli ', ''),
  })),
  ...[
    'zkts-cli backup --config /etc/zkts/zoo.cfg --to /var/backups/zkts/',
    'zkts-cli backup -s zk1:2181 --auth digest:super:password --to /var/backups/zkts/',
    'zkts-cli backup --config /etc/zkts/zoo.cfg --to /var/backups/zkts/monday.backup',
    'zkts-cli backup --check /var/backups/zkts/monday.backup',
    'zkts-cli backup --config /etc/zkts/zoo.cfg --append /var/backups/zkts/monday.backup',
    'zkts-cli restore --config /etc/zkts/zoo.cfg --from /var/backups/zkts/monday.backup',
    'zkts-cli restore --config /etc/zkts/zoo-2.cfg --from /var/backups/zkts/monday.backup --cluster-id 0x1a2b3c4d',
    'zkts-cli restore --config /etc/zkts/zoo.cfg --from /var/backups/zkts/monday.backup --to-zxid 0x300000012',
    'zkts-cli restore --config /etc/zkts/zoo.cfg --from /var/backups/zkts/monday.backup --to-time 2026-01-31T14:05:00Z',
  ].map((command) => ({ command, ...typedBesideABackup })),
  ...['srvr -s zk1:2181,zk2:2181,zk3:2181', 'lead 3 -s zk1:2181,zk2:2181,zk3:2181'].map((evidence) => ({
    command: `zkts-cli ${evidence}`,
    ranBy: 'test/cli/leaders-are-moved.test.ts',
    evidence,
  })),
  {
    command: 'UPDATE_DOCS=1 npx vitest run test/tidy',
    ranBy: 'test/tidy/documents-match-the-code.test.ts',
    evidence: "process.env['UPDATE_DOCS']",
  },
]
