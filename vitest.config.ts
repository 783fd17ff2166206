import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

// Suites that need stock clients or Apache ZooKeeper live in test/compat and test/bench and run from .ci/run.
// The examples import the package by its name, as users do; here that is the source.
const source = (path: string): string => fileURLToPath(new URL(`src/${path}`, import.meta.url))

const replacesModules = ['test/contract/node-disk.test.ts']

export default defineConfig({
  resolve: {
    alias: [
      { find: /^zkts\/client$/, replacement: source('client/index.ts') },
      { find: /^zkts$/, replacement: source('index.ts') },
    ],
  },
  test: {
    testTimeout: 60_000,
    // The files that a worker runs share their modules, which saves two fifths of the processor time. So a test must leave
    // nothing in a module that changes the next file; one that replaces a module of Node.js has a worker of its own.
    projects: [
      {
        extends: true,
        test: {
          name: 'shared',
          isolate: false,
          include: ['test/**/*.test.ts'],
          exclude: ['test/compat/**', 'test/bench/**', ...replacesModules],
        },
      },
      { extends: true, test: { name: 'alone', include: replacesModules } },
    ],
    // By default vitest leaves one core free, so that two cores run one file at a time.
    maxWorkers: Math.max(2, availableParallelism() - 1),
  },
})
