export { createEmbeddedPostgres, type EmbeddedPostgres, type EmbeddedPostgresOptions } from './embedded-postgres.ts';
export { findEnginePackage } from './engine.ts';
export { findRunningPostgres } from './find-running.ts';
