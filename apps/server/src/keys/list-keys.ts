import type { KeyList } from '../platform/encryption/index.ts';
import type { OpenKeys } from './open-keys.ts';
import type { Talk } from './talk.ts';

/** Shows every master key and data key, and how much depends on each. Never a key. */
export async function listKeys({ keeper, masterKeys }: OpenKeys, talk: Talk): Promise<void> {
  talk.result(await keeper.list(), (list) => `${formatMasterKeys(list, masterKeys.source)}\n\n${formatDataKeys(list)}`);
}

const formatMasterKeys = ({ master_keys }: KeyList, source: string): string =>
  [
    `Master keys, in ${source}:`,
    ...master_keys.map(
      ({ fingerprint, current, at_hand, wrapped }) =>
        `  ${fingerprint.slice(0, 12)}  ${sayStanding(current, at_hand)}, wraps ${wrapped} ${wrapped === 1 ? 'key' : 'keys'}`,
    ),
  ].join('\n');

const sayStanding = (current: boolean, atHand: boolean): string => {
  if (!atHand) return 'missing';
  return current ? 'current' : 'only read with';
};

const formatDataKeys = ({ data_keys }: KeyList): string =>
  [
    'Data keys:',
    ...data_keys.map(
      ({ id, organization_name, created_at, retired_at, master_key, sealed }) =>
        `  ${id}  ${organization_name}, of ${created_at.slice(0, 10)}, ${retired_at === null ? 'current' : 'retired'}, wrapped by ${master_key.slice(0, 12)}, seals ${sealed} ${sealed === 1 ? 'value' : 'values'}`,
    ),
  ].join('\n');
