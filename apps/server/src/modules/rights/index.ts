export { createRights } from './create-rights.ts';
export { createFindWorkspace } from './places.ts';
export { GRANT_PERMISSIONS, mayManage } from './roles.ts';

/** @internal */
export { ROLE_PERMISSIONS } from './roles.ts';
