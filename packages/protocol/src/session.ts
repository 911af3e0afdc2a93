import * as z from 'zod';
import { PageQuery, Time, text } from './common.ts';
import { SessionId, UserId } from './ids.ts';
import { User } from './organization.ts';

/** Longest password that is taken; a whole sentence fits. */
const MAX_PASSWORD = 256;
/** A password as somebody types it to sign in: whatever it is, it is only compared. */
const GivenPassword = z.string().min(1).max(MAX_PASSWORD);

/** The one-time token that the first start prints, or that an administrator hands out. */
const BySignInToken = z.object({ sign_in_token: z.string().min(1).max(256) });
const ByPassword = z.object({
  login: z.string().min(1).max(254).describe('Name or e-mail address.'),
  password: GivenPassword,
  organization: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe('Name of the organisation; needed when several know the login.'),
});
/** What a browser that signed on through the OpenID provider handed to the loopback address of a CLI. */
const ByCode = z.object({
  code: z.string().min(1).max(256),
  code_verifier: z.string().regex(/^[A-Za-z0-9._~-]{43,128}$/, 'must be a code verifier as RFC 7636 has it'),
});
const forToken = { token_name: text(90).optional() };

/** Trades what proves who one is for an API token. */
export const SignIn = z.union([BySignInToken.extend(forToken), ByPassword.extend(forToken), ByCode.extend(forToken)]);
export type SignIn = z.infer<typeof SignIn>;
/** Trades it for a session, whose secret is in a cookie that scripts cannot read. */
export const SessionCreate = z.union([BySignInToken, ByPassword]);
export type SessionCreate = z.infer<typeof SessionCreate>;

export const Session = z.object({
  id: SessionId,
  user_id: UserId,
  address: z.string().describe('Where it was begun from.'),
  user_agent: z.string(),
  current: z.boolean().describe('Whether this call was made with it.'),
  created_at: Time,
  last_used_at: Time.describe('To the minute.'),
  expires_at: Time.describe('At the latest; it also ends when it is not used for 12 hours.'),
});
export type Session = z.infer<typeof Session>;
/** The session a call is made with. */
export const CurrentSession = z.object({
  session: Session,
  user: User,
  csrf_token: z.string().describe('To be sent as X-CSRF-Token with everything but GET.'),
});
export type CurrentSession = z.infer<typeof CurrentSession>;
export const SessionQuery = PageQuery.extend({ user_id: UserId.optional().describe("Default: the caller's own.") });
export type SessionQuery = z.infer<typeof SessionQuery>;

export const PasswordChange = z.object({
  current_password: GivenPassword.optional().describe('Needed when there is one.'),
  new_password: z.string().min(12, 'must have at least 12 characters').max(MAX_PASSWORD),
});
export type PasswordChange = z.infer<typeof PasswordChange>;

/** How people can sign in to this server. */
export const SignInMethods = z.object({
  password: z.boolean(),
  oidc: z.object({ name: z.string().describe('What the button says.'), path: z.string() }).nullable(),
});
export type SignInMethods = z.infer<typeof SignInMethods>;

/** Begins signing on through the OpenID provider. Without `redirect` the browser ends signed in, at the console. */
export const OidcStartQuery = z.object({
  redirect: z
    .string()
    .max(200)
    .regex(
      /^http:\/\/(127\.0\.0\.1|\[::1\]):\d{1,5}\/[A-Za-z0-9/_-]*$/,
      'must be a loopback address such as http://127.0.0.1:5000/',
    )
    .optional()
    .describe("A CLI's own loopback address, to which the browser brings a code."),
  code_challenge: z
    .string()
    .regex(/^[A-Za-z0-9_-]{43}$/, 'must be an S256 challenge as RFC 7636 has it')
    .optional(),
});
export type OidcStartQuery = z.infer<typeof OidcStartQuery>;
/** What the provider sends the browser back with. */
export const OidcCallbackQuery = z.object({
  state: z.string().max(512).optional(),
  code: z.string().max(4096).optional(),
  iss: z.string().max(512).optional(),
  error: z.string().max(256).optional(),
  error_description: z.string().max(1024).optional(),
});
export type OidcCallbackQuery = z.infer<typeof OidcCallbackQuery>;
