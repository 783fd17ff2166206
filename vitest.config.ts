import { defineConfig } from 'vitest/config'

// Suites that need stock clients or Apache ZooKeeper live in test/compat and test/bench and run from .ci/run.
export default defineConfig({
  test: { include: ['test/**/*.test.ts'], exclude: ['test/compat/**', 'test/bench/**'], testTimeout: 60_000 },
})
