import type { TaskData } from '@groundcrew/protocol';
import type { SensitiveValue } from '@groundcrew/terraform';

/** Secrets that stand in the task's data: sensitive variables, and the texts inside those that are expressions. */
export function secretsOf({ variables }: TaskData): SensitiveValue[] {
  return variables
    .filter(({ sensitive }) => sensitive)
    .flatMap(({ key, value, hcl }) => {
      const texts = hcl ? [value, ...quotedTexts(value)] : [value];
      return texts.map((text) => ({ value: text, origin: `variable "${key}"` }));
    });
}

/** What stands in quotes in an expression, as it reads once Terraform has taken it in. */
function quotedTexts(expression: string): string[] {
  return [...expression.matchAll(/"(?:[^"\\]|\\.)*"/g)].flatMap(([quoted]) => {
    try {
      return [JSON.parse(quoted) as string];
    } catch {
      return [quoted.slice(1, -1)];
    }
  });
}
