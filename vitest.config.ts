import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{apps,packages}/*/src/**/*.test.ts', '{bench,e2e,scripts,sim}/**/*.test.ts'],
    // One PostgreSQL for the whole run, started when a test first asks for a database.
    globalSetup: ['packages/testkit/src/global-setup.ts'],
    // Tests handle signals, descriptors and children: each file gets a process of its own.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
  },
});
