import { defineConfig } from 'vitest/config'

// The few pure parts of the benchmark: vitest run --config test/bench/vitest.config.ts
export default defineConfig({ test: { include: ['test/bench/**/*.test.ts'] } })
