import * as z from 'zod';
import { ApiToken, ApiTokenCreate, ApiTokenCreated } from './api-token.ts';
import { PageQuery, pageOf } from './common.ts';
import { Grant, GrantCreate, GrantQuery } from './grant.ts';
import { ApiTokenId, ClientId, GrantId } from './ids.ts';
import {
  MachineClient,
  MachineClientCreate,
  MachineClientCreated,
  MachineClientRotate,
  MachineClientUpdate,
} from './machine-client.ts';
import { type Place, route } from './route.ts';
import type { Permission } from './words.ts';

const user = <P extends Permission | 'signed_in'>(permission: P) => ({ who: 'user', permission }) as const;
const granting = <const L extends Place>(permission: 'grant:read' | 'grant:write', on: L) =>
  ({ who: 'user', permission, on }) as const;
const tokenId = z.object({ token_id: ApiTokenId });
const clientId = z.object({ client_id: ClientId });

/** Who may do what, and with which credential: API tokens, grants on workspaces, machine clients. */
export const rightsRoutes = {
  listTokens: route({
    method: 'GET',
    path: '/tokens',
    tag: 'tokens',
    summary: 'My API tokens',
    access: user('signed_in'),
    query: PageQuery,
    answer: pageOf(ApiToken),
  }),
  createToken: route({
    method: 'POST',
    path: '/tokens',
    tag: 'tokens',
    summary: 'Make an API token or a sign-in token; its text is shown once',
    access: user('token:write'),
    body: ApiTokenCreate,
    answer: ApiTokenCreated,
    status: 201,
  }),
  revokeToken: route({
    method: 'DELETE',
    path: '/tokens/:token_id',
    tag: 'tokens',
    summary: 'Revoke an API token at once',
    access: user('token:write'),
    params: tokenId,
  }),

  listGrants: route({
    method: 'GET',
    path: '/grants',
    tag: 'grants',
    summary: 'Roles on workspaces',
    access: granting('grant:read', 'listed'),
    query: GrantQuery,
    answer: pageOf(Grant),
  }),
  createGrant: route({
    method: 'POST',
    path: '/grants',
    tag: 'grants',
    summary: 'Give a user a role on a workspace',
    access: granting('grant:write', 'body'),
    body: GrantCreate,
    answer: Grant,
    status: 201,
  }),
  revokeGrant: route({
    method: 'DELETE',
    path: '/grants/:grant_id',
    tag: 'grants',
    summary: 'Take the role away at once',
    access: granting('grant:write', 'grant'),
    params: z.object({ grant_id: GrantId }),
  }),

  listClients: route({
    method: 'GET',
    path: '/clients',
    tag: 'clients',
    summary: 'Machine clients',
    access: user('client:read'),
    query: PageQuery,
    answer: pageOf(MachineClient),
  }),
  createClient: route({
    method: 'POST',
    path: '/clients',
    tag: 'clients',
    summary: 'Add a machine client; its secret is shown once',
    access: user('client:write'),
    body: MachineClientCreate,
    answer: MachineClientCreated,
    status: 201,
  }),
  getClient: route({
    method: 'GET',
    path: '/clients/:client_id',
    tag: 'clients',
    summary: 'One machine client',
    access: user('client:read'),
    params: clientId,
    answer: MachineClient,
  }),
  updateClient: route({
    method: 'PUT',
    path: '/clients/:client_id',
    tag: 'clients',
    summary: 'Change a machine client; fields not given stay',
    access: user('client:write'),
    params: clientId,
    body: MachineClientUpdate,
    answer: MachineClient,
  }),
  rotateClient: route({
    method: 'POST',
    path: '/clients/:client_id/rotate',
    tag: 'clients',
    summary: 'Give it a new secret; the old one works on for a while',
    access: user('client:write'),
    params: clientId,
    body: MachineClientRotate,
    answer: MachineClientCreated,
  }),
  revokeClient: route({
    method: 'DELETE',
    path: '/clients/:client_id',
    tag: 'clients',
    summary: 'Revoke a machine client at once, and the agents that registered with it',
    access: user('client:write'),
    params: clientId,
  }),
};
