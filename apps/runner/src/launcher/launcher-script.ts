import { fileURLToPath } from 'node:url';

/** Path of the launcher's shell script. */
export const LAUNCHER_SCRIPT = fileURLToPath(new URL('../../assets/launcher.sh', import.meta.url));
