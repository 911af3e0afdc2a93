export { createRights } from './create-rights.ts';
export { createFindWorkspace } from './places.ts';
export { GRANT_PERMISSIONS, mayManage, ROLE_PERMISSIONS } from './roles.ts';
