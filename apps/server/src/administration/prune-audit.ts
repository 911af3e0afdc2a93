import type { AdministrationCommand } from './command.ts';

export const pruneAudit: AdministrationCommand = async ({ modules, by }, name, { before, reason }) => {
  if (before === undefined || reason === undefined) throw new Error('Say --before when, and --reason why.');
  const { id } = await modules.organisations.service.getByName(name);
  const gap = await modules.audit.prune(id, { before: new Date(before), reason, by });
  if (gap === undefined) return { value: null, text: `No entry is older than ${before}; nothing was removed.` };
  return {
    value: gap,
    text: `Removed entries ${gap.from_position} to ${gap.to_position}; a signed record stands in their place.`,
  };
};
