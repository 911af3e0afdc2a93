import * as z from 'zod';
import { AuditEntry, AuditExportQuery, AuditHeadAnswer, AuditQuery, AuditVerdict, AuditVerifyQuery } from './audit.ts';
import { PageQuery, pageOf } from './common.ts';
import { UserId } from './ids.ts';
import { Me, Organization, User, UserCreate, UserUpdate } from './organization.ts';
import { route } from './route.ts';
import type { Permission } from './words.ts';

const user = <P extends Permission | 'signed_in'>(permission: P) => ({ who: 'user', permission }) as const;
const userId = z.object({ user_id: UserId });

/** Server information, organisation, users, audit. */
export const identityRoutes = {
  getInfo: route({
    method: 'GET',
    path: '/info',
    tag: 'server',
    summary: 'Version and features of this server',
    access: { who: 'anybody' },
    answer: z.object({ name: z.string(), version: z.string(), features: z.array(z.string()) }),
  }),
  getMe: route({
    method: 'GET',
    path: '/me',
    tag: 'identity',
    summary: 'Who I am and what I may do',
    access: user('signed_in'),
    answer: Me,
  }),
  getOrganization: route({
    method: 'GET',
    path: '/organization',
    tag: 'identity',
    summary: 'My organisation',
    access: user('organization:read'),
    answer: Organization,
  }),
  listUsers: route({
    method: 'GET',
    path: '/users',
    tag: 'identity',
    summary: 'Users',
    access: user('user:read'),
    query: PageQuery,
    answer: pageOf(User),
  }),
  createUser: route({
    method: 'POST',
    path: '/users',
    tag: 'identity',
    summary: 'Add a user',
    access: user('user:write'),
    body: UserCreate,
    answer: User,
    status: 201,
  }),
  getUser: route({
    method: 'GET',
    path: '/users/:user_id',
    tag: 'identity',
    summary: 'One user',
    access: user('user:read'),
    params: userId,
    answer: User,
  }),
  updateUser: route({
    method: 'PUT',
    path: '/users/:user_id',
    tag: 'identity',
    summary: 'Change a user',
    access: user('user:write'),
    params: userId,
    body: UserUpdate,
    answer: User,
  }),
  deleteUser: route({
    method: 'DELETE',
    path: '/users/:user_id',
    tag: 'identity',
    summary: 'Remove a user; their tokens and sessions end at once',
    access: user('user:write'),
    params: userId,
  }),
  listAudit: route({
    method: 'GET',
    path: '/audit',
    tag: 'identity',
    summary: 'Who changed what, newest first',
    access: user('audit:read'),
    query: AuditQuery,
    answer: pageOf(AuditEntry),
  }),
  exportAudit: route({
    method: 'GET',
    path: '/audit/export',
    tag: 'identity',
    summary:
      'The audit log as it can be verified elsewhere: a line of JSON each, oldest first, with the fields of the chain',
    access: user('audit:read'),
    query: AuditExportQuery,
    rawAnswer: 'application/x-ndjson',
  }),
  verifyAudit: route({
    method: 'GET',
    path: '/audit/verify',
    tag: 'identity',
    summary: 'Whether the audit log is what was written, and the first row that does not fit',
    access: user('audit:read'),
    query: AuditVerifyQuery,
    answer: AuditVerdict,
  }),
  getAuditHead: route({
    method: 'GET',
    path: '/audit/head',
    tag: 'identity',
    summary: 'How far the chain of the audit log reaches; kept elsewhere, it shows when the log is cut off later',
    access: user('audit:read'),
    answer: AuditHeadAnswer,
  }),
};
