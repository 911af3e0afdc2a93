export { createRights } from './create-rights.ts';
export { GRANT_PERMISSIONS } from './grant-permissions.ts';
export { createFindWorkspace } from './places.ts';
export { mayManage } from './rank.ts';
/** @internal */
export { ROLE_PERMISSIONS } from './roles.ts';
