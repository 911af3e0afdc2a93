import type { Organization } from '@groundcrew/protocol';
import type { AdministrationCommand } from './command.ts';

/** By name of the command. */
export const ORGANISATION_COMMANDS: Readonly<Record<string, AdministrationCommand>> = {
  'org create': async ({ modules, by }, name) => {
    const organization = await modules.organisations.service.create(name, by);
    const signInToken = await modules.users.inviteOwner(organization.id, by);
    return {
      value: { ...organization, sign_in_token: signInToken },
      text: `Created organisation ${organization.name} (${organization.id}).\n${sayToken(signInToken)}`,
    };
  },

  'org list': async ({ modules }) => {
    const organizations = await modules.organisations.service.list();
    return { value: organizations, text: organizations.map(sayOne).join('\n') };
  },

  'org show': async ({ modules }, name) => {
    const { organization, holds } = await modules.organisations.service.show(name);
    const lines = Object.entries(holds).map(([noun, count]) => `  ${noun}: ${count}`);
    return { value: { ...organization, holds }, text: [sayOne(organization), ...lines].join('\n') };
  },

  'org invite': async ({ modules, by }, name) => {
    const organization = await modules.organisations.service.getByName(name);
    const signInToken = await modules.users.inviteOwner(organization.id, by);
    return { value: { ...organization, sign_in_token: signInToken }, text: sayToken(signInToken) };
  },

  'org delete': async ({ modules, by }, name) => {
    const organization = await modules.organisations.service.remove(name, by);
    return {
      value: organization,
      text: `Closed organisation ${organization.name} (${organization.id}): its tokens are revoked, its data stays.`,
    };
  },
};

const sayOne = ({ name, id, created_at }: Organization): string => `${name}  ${id}  since ${created_at.slice(0, 10)}`;

const sayToken = (token: string): string =>
  `Sign-in token of its first owner, good once and for a day: ${token}\nWith it: groundcrew login <url of the server>`;
