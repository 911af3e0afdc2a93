export { createFakeClock, type FakeClock } from '@groundcrew/kit';
export { type Listening, listenOnLoopback } from './listen-on-loopback.ts';
export { createTestDatabase, type TestDatabase, type TestDatabaseOptions } from './postgres/test-database.ts';
export { createTemporaryFolder, type TemporaryFolder } from './temporary-folder.ts';
export { waitFor } from './wait-for.ts';
export { watchMemory } from './watch-memory.ts';
