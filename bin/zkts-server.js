#!/usr/bin/env node
// Loading the modules of the server takes a part of a second, and Node.js resets the signals that nohup has set to be
// ignored. So the signals are handled before that: SIGHUP never ends a server, and SIGTERM and SIGINT end it with the
// status of a close on request. src/main.ts replaces these handlers.
process.on('SIGHUP', () => undefined)
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0))

// The supervisor of --local keeps no checkpoints; each of its servers is a process of its own.
if (!process.argv.some((argument) => argument.startsWith('--local'))) await import('../dist/before-main.js')
await import('../dist/main.js')
