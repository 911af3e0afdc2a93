/** Where a server listens unless it is told otherwise. */
export const DEFAULT_URL = 'http://127.0.0.1:8400';
