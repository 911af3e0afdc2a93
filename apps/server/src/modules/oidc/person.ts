import { Name, OrganizationRole, UserCreate } from '@groundcrew/protocol';

/** How what the provider says of somebody becomes a user here. */
export interface PersonRules {
  /** The claim that holds groups or roles; a text or a list of texts. */
  readonly roleClaim: string;
  /** Value of that claim → role. Empty: the provider says nothing about roles. */
  readonly roles: ReadonlyMap<string, OrganizationRole>;
  /** For whom no value is mapped; undefined keeps them out. */
  readonly defaultRole: OrganizationRole | undefined;
  /** Only people with a verified address in one of these domains; empty: anybody the provider lets in. */
  readonly allowedDomains: readonly string[];
}

/** A person the provider vouches for. */
export interface Person {
  readonly subject: string;
  /** Only one that the provider has verified. */
  readonly email: string | null;
  /** What they would like to be called, as a name that is allowed here. */
  readonly name: string;
  readonly role: OrganizationRole;
  /** Whether the role is what the provider says, or only what newcomers get. */
  readonly isRoleMapped: boolean;
}

type Claims = Readonly<Record<string, unknown>>;

/** Who somebody is by their claims, or the sentence that keeps them out. */
export function toPerson(claims: Claims & { sub: string }, rules: PersonRules): Person | string {
  const email = claims.email_verified === true ? findAddress(claims.email) : null;
  if (rules.allowedDomains.length > 0 && !isAllowed(email, rules.allowedDomains))
    return `Only people with a verified e-mail address of ${rules.allowedDomains.join(', ')} may sign on here.`;
  const mapped = highest(valuesOf(claims[rules.roleClaim]).flatMap((value) => rules.roles.get(value) ?? []));
  const role = mapped ?? rules.defaultRole;
  if (role === undefined)
    return `None of your groups has a role here (claim ${rules.roleClaim}); ask an administrator for one.`;
  return { subject: claims.sub, email, name: toName(claims, email), role, isRoleMapped: mapped !== undefined };
}

/**
 * An address as administrators may give one to a user. Others are none: letters beyond ASCII that fold to one of it, such as the
 * Kelvin sign, would make a stranger's address that of somebody here.
 */
const findAddress = (claim: unknown): string | null => UserCreate.shape.email.safeParse(claim).data ?? null;

const isAllowed = (email: string | null, domains: readonly string[]): boolean => {
  const domain = email?.slice(email.lastIndexOf('@') + 1).toLowerCase();
  return domain !== undefined && domains.some((allowed) => allowed.toLowerCase() === domain);
};

const valuesOf = (claim: unknown): string[] =>
  [claim].flat().filter((value): value is string => typeof value === 'string');

/** Roles stand in their order from the highest down. */
const highest = (roles: readonly OrganizationRole[]): OrganizationRole | undefined =>
  OrganizationRole.options.find((role) => roles.includes(role));

function toName(claims: Claims, email: string | null): string {
  const wishes = [claims.preferred_username, claims.nickname, email?.split('@')[0], claims.name, claims.sub];
  for (const wish of wishes) {
    if (typeof wish !== 'string') continue;
    const name = wish
      .normalize('NFKD')
      .replace(/[^A-Za-z0-9._-]+/g, '-')
      .replace(/^[^A-Za-z0-9]+/, '')
      .slice(0, 60);
    if (Name.safeParse(name).success) return name;
  }
  return 'user';
}
