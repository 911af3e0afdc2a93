import { SEALED_VARIABLES } from './modules/variables/index.ts';
import { SEALED_CHUNKS } from './platform/blobs/index.ts';
import type { SealedColumn } from './platform/encryption/index.ts';

/** Everything that is sealed with a data key. A new sealed column gets a line here, or no rotation ever reaches it. */
export const SEALED_COLUMNS: readonly SealedColumn[] = [SEALED_VARIABLES, SEALED_CHUNKS];
