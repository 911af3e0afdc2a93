import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Set to `1` to skip the tests that need a real Terraform; without it they fail where there is none. */
export const SKIP_TERRAFORM = process.env.GROUNDCREW_TEST_SKIP_TERRAFORM === '1';

/** The real Terraform on PATH; throws in a sentence when there is none. */
export function findTerraform(): string {
  const found = (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'terraform'))
    .find((path) => existsSync(path));
  if (found === undefined)
    throw new Error(
      'These tests need Terraform on PATH. Install it, or set GROUNDCREW_TEST_SKIP_TERRAFORM=1 to skip them.',
    );
  return found;
}
