import * as z from 'zod';
import { AuditEntry, AuditExportQuery, AuditHeadAnswer, AuditQuery, AuditVerdict, AuditVerifyQuery } from './audit.ts';
import { PageQuery, pageOf } from './common.ts';
import { ApiTokenId, UserId } from './ids.ts';
import {
  ApiToken,
  ApiTokenCreate,
  ApiTokenCreated,
  Me,
  Organization,
  SignIn,
  User,
  UserCreate,
  UserUpdate,
} from './organization.ts';
import { route } from './route.ts';

const user = (
  permission: 'user:read' | 'user:write' | 'token:write' | 'organization:read' | 'audit:read' | 'signed_in',
) => ({ who: 'user', permission }) as const;
const userId = z.object({ user_id: UserId });
const tokenId = z.object({ token_id: ApiTokenId });

/** Server information, sign-in, organisation, users, API tokens, audit. */
export const identityRoutes = {
  getInfo: route({
    method: 'GET',
    path: '/info',
    tag: 'server',
    summary: 'Version and features of this server',
    access: { who: 'anybody' },
    answer: z.object({ name: z.string(), version: z.string(), features: z.array(z.string()) }),
  }),
  signIn: route({
    method: 'POST',
    path: '/sign-in',
    tag: 'identity',
    summary: 'Trade a one-time sign-in token for an API token',
    access: { who: 'anybody' },
    body: SignIn,
    answer: ApiTokenCreated,
    status: 201,
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
    summary: 'Remove a user and revoke their tokens',
    access: user('user:write'),
    params: userId,
  }),
  listTokens: route({
    method: 'GET',
    path: '/tokens',
    tag: 'identity',
    summary: 'My API tokens',
    access: user('signed_in'),
    query: PageQuery,
    answer: pageOf(ApiToken),
  }),
  createToken: route({
    method: 'POST',
    path: '/tokens',
    tag: 'identity',
    summary: 'Make an API token or a sign-in token; its text is shown once',
    access: user('token:write'),
    body: ApiTokenCreate,
    answer: ApiTokenCreated,
    status: 201,
  }),
  revokeToken: route({
    method: 'DELETE',
    path: '/tokens/:token_id',
    tag: 'identity',
    summary: 'Revoke an API token at once',
    access: user('token:write'),
    params: tokenId,
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
