import type { AttemptContext } from './attempt-context.ts';
import { fileChecksum } from './plan-bundle.ts';

export const PLAN_CHANGED =
  "The plan file in the attempt's folder is not the one that was approved; nothing was applied. Somebody or something changed it on the host.";

/** Whether the file that Terraform is about to apply is another than the one the approval names, or is gone. */
export async function isPlanChanged({
  folder,
  journal,
  data,
}: Pick<AttemptContext, 'folder' | 'journal' | 'data'>): Promise<boolean> {
  const approved = journal.find('planned')?.plan_checksum ?? data.plan_file?.checksum;
  const present = await fileChecksum(folder.plan).catch(() => undefined);
  return present !== approved;
}
