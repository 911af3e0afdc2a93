import { type ConfigMistake, config } from '@groundcrew/kit';
import { OrganizationRole } from '@groundcrew/protocol';
import type { PersonRules } from './modules/oidc/index.ts';

/** Sign-on through an OpenID provider. */
export const OIDC = {
  issuer: config.optional(
    config.text({
      doc: 'OpenID provider that people may sign on through, as its metadata names itself. Off loopback it must be https.',
      pattern: /^(https:\/\/\S+|http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(:\d+)?(\/\S*)?)$/,
      allowed: 'an https URL such as https://login.example.com',
    }),
  ),
  client_id: config.optional(config.text({ doc: 'Id of this server at the provider.' })),
  client_secret: config.optional(
    config.secret({ doc: 'Its secret; none for a public client, which PKCE alone protects.' }),
  ),
  name: config.text({ doc: 'What the button at the sign-in page says.', default: 'OpenID', maxLength: 60 }),
  scopes: config.list({ doc: 'Scopes to ask for.', default: ['openid', 'profile', 'email'] }),
  role_claim: config.text({
    doc: 'Claim of the ID token that holds groups or roles.',
    default: 'groups',
    maxLength: 100,
  }),
  roles: config.list({
    doc: 'Which value of that claim is which role here, such as platform-team=admin. The highest counts, from each sign-on.',
    default: [],
    pattern: new RegExp(`^.+=(${OrganizationRole.options.join('|')})$`),
    allowed: `a list of value=role with the roles ${OrganizationRole.options.join(', ')}`,
  }),
  default_role: config.choice([...OrganizationRole.options, 'none'], {
    doc: 'Role of newcomers for whom no value is mapped; none keeps them out.',
    default: 'none',
  }),
  allowed_domains: config.list({
    doc: 'Only people with a verified e-mail address in one of these domains may sign on; anybody when empty.',
    default: [],
  }),
  create_users: config.bool({
    doc: 'Makes a user of whoever signs on for the first time; else an administrator adds them with their e-mail address before.',
    default: true,
  }),
  organization: config.optional(
    config.text({ doc: 'Name of the organisation that people who sign on belong to. Default: the first one.' }),
  ),
} satisfies config.ConfigSpec;

export type OidcConfiguration = config.ConfigOf<typeof OIDC>;

/** What is wrong only in combination. */
export function findOidcContradictions(oidc: OidcConfiguration, publicUrl: string | undefined): ConfigMistake[] {
  if (oidc.issuer === undefined) return [];
  const mistakes: ConfigMistake[] = [];
  if (oidc.client_id === undefined)
    mistakes.push({ key: 'oidc.client_id', found: 'nothing', allowed: 'the id of this server at the provider' });
  if (publicUrl === undefined)
    mistakes.push({
      key: 'public_url',
      found: 'nothing, beside oidc.issuer',
      allowed: 'the address of this server, to which the provider sends browsers back',
    });
  if (!oidc.scopes.includes('openid'))
    mistakes.push({ key: 'oidc.scopes', found: oidc.scopes.join(', '), allowed: 'a list with "openid" in it' });
  return mistakes;
}

export const toPersonRules = (oidc: OidcConfiguration): PersonRules => ({
  roleClaim: oidc.role_claim,
  roles: new Map(
    oidc.roles.map((entry) => {
      const at = entry.lastIndexOf('=');
      return [entry.slice(0, at), OrganizationRole.parse(entry.slice(at + 1))];
    }),
  ),
  defaultRole: oidc.default_role === 'none' ? undefined : oidc.default_role,
  allowedDomains: oidc.allowed_domains,
});
