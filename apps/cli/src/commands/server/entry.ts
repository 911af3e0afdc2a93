import { fileURLToPath } from 'node:url';

/** The server's program. */
export const serverEntry = (): string => fileURLToPath(new URL('../../../../server/src/main.ts', import.meta.url));
