import * as z from 'zod';
import { ApiTokenCreated } from './api-token.ts';
import { pageOf } from './common.ts';
import { SessionId } from './ids.ts';
import { route } from './route.ts';
import {
  CurrentSession,
  OidcCallbackQuery,
  OidcStartQuery,
  PasswordChange,
  Session,
  SessionCreate,
  SessionQuery,
  SignIn,
  SignInMethods,
} from './session.ts';

const user = <P extends 'token:write' | 'signed_in'>(permission: P) => ({ who: 'user', permission }) as const;
const tag = 'sign-in';

/** How people get in and out. */
export const signInRoutes = {
  getSignInMethods: route({
    method: 'GET',
    path: '/sign-in/methods',
    tag,
    summary: 'How people can sign in to this server',
    access: { who: 'anybody' },
    answer: SignInMethods,
  }),
  signIn: route({
    method: 'POST',
    path: '/sign-in',
    tag,
    summary: 'Trade a one-time sign-in token, a password, or the code of a sign-on for an API token',
    access: { who: 'anybody' },
    body: SignIn,
    answer: ApiTokenCreated,
    status: 201,
  }),
  startOidc: route({
    method: 'GET',
    path: '/sign-in/oidc',
    tag,
    summary: 'Send the browser to the OpenID provider',
    access: { who: 'anybody' },
    query: OidcStartQuery,
    rawAnswer: 'text/plain',
    status: 302,
  }),
  finishOidc: route({
    method: 'GET',
    path: '/sign-in/oidc/callback',
    tag,
    summary: 'Where the OpenID provider sends the browser back to',
    access: { who: 'anybody' },
    query: OidcCallbackQuery,
    rawAnswer: 'text/plain',
    status: 302,
  }),
  createSession: route({
    method: 'POST',
    path: '/sessions',
    tag,
    summary: 'Sign a browser in: the session is a cookie',
    access: { who: 'anybody' },
    body: SessionCreate,
    answer: CurrentSession,
    status: 201,
  }),
  getSession: route({
    method: 'GET',
    path: '/session',
    tag,
    summary: 'The session this browser has, with its csrf_token',
    access: user('signed_in'),
    answer: CurrentSession,
  }),
  signOut: route({
    method: 'POST',
    path: '/sign-out',
    tag,
    summary: 'End the session, or revoke the API token, that this call is made with',
    access: user('signed_in'),
    answer: z.object({ signed_out: z.boolean() }),
  }),
  listSessions: route({
    method: 'GET',
    path: '/sessions',
    tag,
    summary: 'Sessions that are open',
    access: user('signed_in'),
    query: SessionQuery,
    answer: pageOf(Session),
  }),
  endSession: route({
    method: 'DELETE',
    path: '/sessions/:session_id',
    tag,
    summary: 'End a session at once',
    access: user('token:write'),
    params: z.object({ session_id: SessionId }),
  }),
  changePassword: route({
    method: 'PUT',
    path: '/me/password',
    tag,
    summary: 'Set or change my password; my other sessions end',
    access: user('token:write'),
    body: PasswordChange,
  }),
};
