import { InvalidArgumentError } from 'commander';

/** A day (its beginning in UTC) or a time of ISO 8601, as the API takes it. */
export function parseMoment(text: string): string {
  const moment = /^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2}))?$/.test(text) ? new Date(text) : undefined;
  if (moment === undefined || Number.isNaN(moment.getTime()))
    throw new InvalidArgumentError('It must be a day such as 2026-11-21 or a time such as 2026-11-21T18:00:00Z.');
  return moment.toISOString();
}
