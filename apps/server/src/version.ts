import manifest from '../package.json' with { type: 'json' };

/** Of this server, as everybody is told it. */
export const SERVER_VERSION: string = manifest.version;
/** What clients may count on, beyond what the version says. */
export const FEATURES: readonly string[] = ['push', 'pull', 'log-sockets', 'events', 'idempotency-keys'];
